// Finding lines in a file from its end, in blocks, without holding more than one block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace roost::cli {

struct LineExtent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  // without the newline
  bool ended = true;      // by a newline
};

// Gives the lines in [0, size) from the last to the first, until `take` returns false. A last line
// without newline counts.
void scan_lines_backwards(int fd, std::uint64_t size,
                          const std::function<bool(const LineExtent&)>& take);

}  // namespace roost::cli
