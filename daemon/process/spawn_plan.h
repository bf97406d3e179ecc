// SpawnPlan: everything about a process that is to be started, decided before anything is done.
// Pure.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/model/app_spec.h"
#include "core/model/ids.h"
#include "core/model/label.h"
#include "core/model/process_limits.h"
#include "daemon/process/app_pipe.h"
#include "daemon/process/app_terminal.h"
#include "daemon/process/lanes.h"

namespace roost::daemon {

// What the spec does not know about the process to be started.
struct InstanceFacts {
  std::string home_id;  // hex, 1 to 32 digits; the same for all daemons of a home
  model::AppId app{};
  model::InstanceId instance{};
  std::uint32_t slot = 0;
  model::RunId run{};
  std::uint32_t generation = 0;
  Lane lane;  // from Lanes::acquire; default = none
  std::array<std::uint8_t, 16> boot_id{};
  std::string notify_socket{};  // of the home; empty = none
  std::string launcher{};       // roost, which finds secrets and executes the app
  std::string credentials{};    // the directory of systemd's, where roost has one
};

struct KeeperNote {
  std::uint64_t key = 0;
  std::array<std::uint8_t, model::kLabelCapacity> label{};
};

struct NamedLimit {
  std::string words;  // "nofile 1024:4096"
  model::ProcessLimit limit;
};

struct SpawnResult;

struct SpawnPlan {
  // What the rest is made of by finish_plan(), on the spawner's thread; null when it is done.
  model::SpecPtr spec;
  InstanceFacts facts;

  std::string program;            // absolute path to execve
  std::vector<std::string> argv;  // argv[0] first
  std::vector<std::string>
      env;  // "NAME=value", sorted; the last entry is ROOST_ID, pid field still zeros
  std::string cwd;
  std::string user;   // name or number; empty = as the daemon
  std::string group;  // name or number; empty = the user's
  std::optional<std::uint32_t> umask;
  std::optional<std::int32_t> nice;
  std::vector<NamedLimit> limits;
  bool no_new_privs = false;
  std::optional<TerminalSize> terminal;  // stands in for 0, 1 and 2
  bool channel = false;                  // gets a socket for Node's protocol on kChannelFd
  Lane lane;
  std::shared_ptr<const UniqueFd> lane_dir;  // of a v2 lane, where it is open already
  std::string memory_procs;  // a cgroup.procs that the child writes itself into; empty = none
  model::RunLabel label;     // pid, start_ticks, started_* are filled by the spawner
  // The instance's note, told to the keeper by the child itself just before it registers, so that
  // the keeper need not wake for either.
  std::optional<KeeperNote> note;
  // The keeper is to know at once all the same: it looks after a daemon that has living runs.
  bool rings = true;
  std::optional<AppPipes> pipes{};  // instead of new ones
  bool keeps_pipes = false;         // they are in the result, too; not with a terminal
  // Takes the daemon's ends of the pipes, on the thread that spawns, and keeps them open until the
  // app's end is closed: the child may still have to send them. Empty: they are in the result. Of
  // `pipes` it has them already: it gets none, and is called before there is a process.
  std::function<void(UniqueFd out, UniqueFd err)> take_output;
  // Told of the end of the spawn, on the thread that saw it, before whoever asked; `more_follow`:
  // there is more to come with which it may be put on record.
  std::function<void(const SpawnResult&, bool more_follow)> settled;
  // Who asked can wait for the answer until the loop wakes by itself, at most so
  // long.
  Duration patience = Duration::zero();
};

// Where the app finds its channel.
inline constexpr int kChannelFd = 3;

// argv: core/model/instance_text.h; of an app with secrets behind the launcher's words
// (core/model/launch.h).
// Environment: the spec's, without what belongs to roost or to the daemon's own parent (ROOST_*,
// NODE_CHANNEL_FD, NODE_CHANNEL_SERIALIZATION_MODE, LISTEN_*, NOTIFY_SOCKET, WATCHDOG_*), with
// NODE_APP_INSTANCE (or what instance_var names), increment_var counted up, pm_id, ROOST_ID,
// NOTIFY_SOCKET, WATCHDOG_USEC and NODE_CHANNEL_* where they apply, and PYTHONUNBUFFERED=1 unless
// the spec has it; with a terminal also TERM. HOME, USER, LOGNAME and SHELL of `user` are added by
// the spawner.
[[nodiscard]] SpawnPlan make_spawn_plan(const model::AppSpec& spec, const InstanceFacts& facts);
// The same in two steps: what is known at once, and the rest, which is large. So a crowd of plans
// that wait is no crowd of environments.
[[nodiscard]] SpawnPlan begin_plan(model::SpecPtr spec, InstanceFacts facts);
void finish_plan(SpawnPlan& plan);

// For what is run on behalf of an instance, but is none of its processes: the spec's, without what
// belongs to roost. Secrets are not in it.
[[nodiscard]] std::vector<std::string> probe_environment(const model::AppSpec& spec,
                                                         std::uint32_t slot);

// Whether a variable is kept from the apps (see above).
[[nodiscard]] bool is_internal_variable(std::string_view name);
// Replaces or adds NAME=value, keeping the order of `env` and ROOST_ID last.
void set_variable(std::vector<std::string>& env, std::string_view name, std::string_view value);

}  // namespace roost::daemon
