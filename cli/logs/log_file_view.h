// LogFileView: one log file opened for reading, with its identity. Only regular files are logs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/logs/log_reader.h"
#include "core/base/result.h"
#include "core/base/unique_fd.h"

namespace roost::cli {

struct LogFileView {
  UniqueFd fd;  // none: there is no such file, or it is none (a directory, /dev/null)
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
};

// A file that does not exist is no error; one that may not be read is.
[[nodiscard]] Result<LogFileView> open_log_file(const std::string& path);

// "text … [+1234 bytes]" for a line that is cut, otherwise the text itself. `storage` holds what
// has to be built.
[[nodiscard]] std::string_view shown_line(std::string_view text, std::uint64_t whole_length,
                                          std::string& storage);

}  // namespace roost::cli
