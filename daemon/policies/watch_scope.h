// WatchScope: one directory that an app has watched, and what of it counts. Built by a scan
// (blocking), then never changed.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/unique_fd.h"
#include "core/model/watch_rules.h"

namespace roost::daemon {

struct WatchScope {
  std::string root;                // absolute
  std::string only;                // this file of it alone; empty: everything below
  std::vector<std::string> never;  // absolute; whatever the rules say
  model::WatchRules rules;

  [[nodiscard]] bool ignores(std::string_view path, bool directory) const;
  // As people name it: seen from the root.
  [[nodiscard]] std::string_view name_of(std::string_view path) const;
};

using ScopePtr = std::shared_ptr<const WatchScope>;

// What is to be watched: an absolute path, and the patterns of the app.
struct WatchOrder {
  std::string path;
  std::vector<std::string> ignore;
  std::vector<std::string> never;
};

struct WatchedDirectory {
  int number = -1;  // inotify's
  std::string path;
};

struct WatchScan {
  ScopePtr scope;  // null: the path is not there
  std::vector<WatchedDirectory> directories;
  std::string problem;  // why not everything is watched
};

// Both block, and add watches to `inotify` (any thread may): of a whole order, and of a directory
// that has come up within a scope. At most `most` directories.
[[nodiscard]] WatchScan begin_watch(int inotify, const WatchOrder& order, std::size_t most);
[[nodiscard]] WatchScan extend_watch(int inotify, const ScopePtr& scope,
                                     const std::string& directory, std::size_t most);

}  // namespace roost::daemon
