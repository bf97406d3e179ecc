// Getting from a path to an open, checked and migrated StateDb, whatever lies there; and out of the
// way with what is no database of ours.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"
#include "store/state_db.h"

namespace roost::store {

struct FileOptions {
  std::string path;
  std::string vfs;
  int exits_kept = 1;
};

struct OpenedFile {
  std::unique_ptr<StateDb>
      db;  // null: could not be made now, and no data is lost by going on without (see `why`)
  Snapshot snapshot;
  std::string recreated;     // not empty: the old file was moved aside, in words
  std::string why;           // when db is null
  bool check_later = false;  // too large to be checked at once: call quick_check when there is time
};

// An error means that data is there but not readable: newer schema (conflict), locked, denied, I/O.
[[nodiscard]] Result<OpenedFile> open_state_file(const FileOptions& options);

// Renames the database with its -wal to <path>.corrupt-<utc> and keeps the newest five of those.
// Returns the new name.
[[nodiscard]] Result<std::string> move_aside(const std::string& path);

}  // namespace roost::store
