// What roostd does when the keeper was killed: it becomes the keeper itself, by exec, with
// everything the old one held in a table (the same one that a keeper's own upgrade uses). The new
// keeper then starts a fresh roostd, which recovers as always.
#pragma once

#include <string>

#include "core/base/result.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

struct Inheritance {
  std::string keeper_path;
  std::string daemon_path;
  std::string home;
  int lock_fd = -1;
  int listener_fd = -1;
};

// Whether the table would hold every process: none is between clone and the spawner's answer.
[[nodiscard]] bool can_inherit(const Supervisor& supervisor);

// Does not return when it works. Loop thread; other threads end with the exec, which loses nothing:
// output is in a pipe or in its file.
[[nodiscard]] Error become_keeper(const Supervisor& supervisor, const Inheritance& inheritance);

}  // namespace roost::daemon
