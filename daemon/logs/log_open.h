// Opening a log file for writing, by the rules for paths an app's user may control
// (docs/design/log-path.md).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/stat.h>

#include "core/base/unique_fd.h"
#include "daemon/logs/pump.h"

namespace roost::daemon {

// Which file, whatever its names. Device and inode of 0: none.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend auto operator<=>(const FileId&, const FileId&) = default;
};

[[nodiscard]] inline FileId file_id(const struct stat& st) {
  return FileId{static_cast<std::uint64_t>(st.st_dev), static_cast<std::uint64_t>(st.st_ino)};
}

struct OpenedLog {
  UniqueFd fd;
  FileId id;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  bool discards = false;  // it is /dev/null
  int errnum = 0;         // without fd: why
};

// Of whom the way to a file is, when we are root: the user to whom the first directory belongs that
// is not root's. What lies below is theirs to rename and to link, so it is opened with their
// rights.
[[nodiscard]] std::optional<FileOwner> owner_of_way(const std::string& path);

// Opens or makes the file; missing directories are made (0700). Refuses symbolic links (ELOOP),
// files with further names (EMLINK), and whatever is no regular file except /dev/null (EINVAL;
// ENXIO for a FIFO nobody reads).
[[nodiscard]] OpenedLog open_log(const LogTarget& target);

// Cuts the file to nothing, by the same rules; `bytes` is what it had. Returns 0 or why not; ENOENT
// when there is none. /dev/null is empty already.
[[nodiscard]] int empty_log(const LogTarget& target, std::uint64_t& bytes);

// Opens or makes a file that lies beside a log (its sidecar), by the same rules, for reading and
// writing.
[[nodiscard]] UniqueFd open_beside_log(const std::string& path, bool truncate);

// Whether the error is a property of the path (its output is discarded) and not of the disk or the
// moment (it is stopped).
[[nodiscard]] bool is_refusal(int errnum);

// Whether it says that there is no room.
[[nodiscard]] bool is_full(int errnum);

}  // namespace roost::daemon
