// Where everything of one roost is. State, runtime and log directories are separate values; today
// all lie in the home (ROOST_HOME, default ~/.roost).
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace roost::ipc {

struct Paths {
  std::string home;         // absolute, no slash at the end
  std::string state_dir;    // survives reboots
  std::string runtime_dir;  // socket, pid files, lock
  std::string log_dir;      // logs of apps

  [[nodiscard]] std::string socket() const { return runtime_dir + "/roost.sock"; }

  [[nodiscard]] std::string lock() const { return runtime_dir + "/roost.lock"; }

  [[nodiscard]] std::string keeper_pid() const { return runtime_dir + "/keeper.pid"; }

  [[nodiscard]] std::string roostd_pid() const { return runtime_dir + "/roostd.pid"; }

  [[nodiscard]] std::string state_db() const { return state_dir + "/state.db"; }

  [[nodiscard]] std::string daemon_log() const { return state_dir + "/roostd.log"; }
};

// A relative home is taken from the working directory.
[[nodiscard]] Result<Paths> paths_for_home(std::string_view home);
// From ROOST_HOME, else HOME. Errc::invalid with a hint when neither is set: no user database is
// asked, this runs in static binaries.
[[nodiscard]] Result<Paths> paths_from_environment();

// Makes the directories, 0700 whatever the umask. A home of another user, or one that group or
// others may write, is Errc::denied: whoever can write there could run programs as us. One they may
// only read is made 0700.
[[nodiscard]] Status ensure_home(const Paths& paths);

// Errc::denied: the directory is another user's, or others may write there; Errc::not_found. One that
// others may only read is made 0700.
[[nodiscard]] Status check_private(const std::string& path);

// Pid in a pid file, 0 when there is none.
[[nodiscard]] int read_pid_file(const std::string& path);

}  // namespace roost::ipc
