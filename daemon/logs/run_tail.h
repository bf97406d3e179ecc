// The last lines a run wrote to one stream, read back from the log file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "daemon/logs/log_open.h"

namespace roost::daemon {

// Where one run's output lies. The bytes of other writers to the same file in between are taken for
// its own.
struct RunSpan {
  FileId file;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  // 0 with an open run: the end of the file
};

// At most `lines` lines and `max_bytes` bytes from the end of the span; empty when the path names
// another file by now.
[[nodiscard]] std::string read_run_tail(const LogTarget& target, const RunSpan& span, int lines,
                                        std::size_t max_bytes);

// The end of `text` that has at most `lines` lines; a last line without newline counts.
[[nodiscard]] std::string last_lines_of(std::string text, int lines);

}  // namespace roost::daemon
