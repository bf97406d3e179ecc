// Small files, safely. All functions block: not for the loop thread beyond a few KiB.
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

#include "core/base/result.h"

namespace roost {

// The whole file. Larger than `limit` bytes is Errc::invalid; absent is Errc::not_found. Works for
// /proc files too.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit);

// Replaces the file so that after a crash either the old or the new content is there, whole: writes
// a temporary file of exactly `mode` (whatever the umask) beside it, fsyncs it, renames it over
// `path` and fsyncs the directory. On failure the old file stays.
[[nodiscard]] Status write_file_atomic(const std::string& path, std::string_view content,
                                       mode_t mode);

// Makes the directory and its missing parents, each made one of exactly `mode` (whatever the
// umask); those that exist are left as they are. A file in the way is Errc::exists.
[[nodiscard]] Status make_dirs(const std::string& path, mode_t mode);

// Writes all of it, going on after EINTR and short writes. For blocking descriptors.
[[nodiscard]] Status write_all(int fd, std::string_view bytes);

}  // namespace roost
