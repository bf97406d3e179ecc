#include "cli/logs/line_scan.h"

#include <algorithm>
#include <vector>

#include <string.h>
#include <unistd.h>

namespace roost::cli {

void scan_lines_backwards(int fd, std::uint64_t size,
                          const std::function<bool(const LineExtent&)>& take) {
  constexpr std::uint64_t kBlock = 64U << 10;
  if (size == 0) return;
  std::vector<char> block(static_cast<std::size_t>(std::min(kBlock, size)));
  LineExtent line{0, size, false};
  for (std::uint64_t at = size; at > 0;) {
    const auto n = static_cast<std::size_t>(std::min(kBlock, at));
    at -= n;
    if (::pread(fd, block.data(), n, static_cast<off_t>(at)) != static_cast<ssize_t>(n)) return;
    for (std::size_t left = n; left > 0;) {
      const void* found = ::memrchr(block.data(), '\n', left);
      if (found == nullptr) break;
      left = static_cast<std::size_t>(static_cast<const char*>(found) - block.data());
      const std::uint64_t newline = at + left;
      if (newline + 1 < size) {  // not the one that ends the file
        line.begin = newline + 1;
        if (!take(line)) return;
      }
      line = LineExtent{0, newline, true};
    }
  }
  (void)take(line);  // the first line of the file: nothing comes after it
}

}  // namespace roost::cli
