// What the supervisor keeps of an instance and of a run. Plain holders: all decisions are the
// machine's, all changes the Supervisor's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/base/time.h"
#include "core/base/unique_fd.h"
#include "core/loop/timer.h"
#include "core/model/app_spec.h"
#include "core/model/instance_machine.h"
#include "core/model/label.h"
#include "core/model/readiness.h"
#include "daemon/process/app_channel.h"
#include "daemon/process/memory_groups.h"
#include "daemon/process/process_tree.h"
#include "daemon/process/tree_sweep.h"
#include "daemon/supervisor/keeper_link.h"

namespace roost::daemon {

struct Run {
  model::RunLabel label;
  UniqueFd pidfd;
  bool foreign = false;
  std::uint64_t out_pipe = 0;  // inode numbers of its pipes: processes holding them belong to it
  std::uint64_t err_pipe = 0;
  Lane lane;
  bool lane_empty = false;   // seen after the exit
  MemoryGroup memory_group;  // of memory_max
  Duration kill_timeout = 10s;
  model::SpecPtr spec;       // it was started with: the app may have got another one
  bool spawned = false;      // the spawner has answered
  bool said_ready = false;   // before that
  bool note_passed = false;  // a newer note may have come before the one that the child brought
  std::optional<loop::Timer> timer;
  std::optional<model::TimerKind> armed;
  std::unique_ptr<AppChannel> channel;          // where the app has one, and has not closed it
  std::optional<loop::Timer> overtime;          // of a job with a time limit
  std::optional<loop::Timer> watchdog;          // while it is online and must send WATCHDOG=1
  TimePoint last_alive{};                       // when it did so last, as far as this daemon knows
  model::Failing failing = model::Failing::no;  // what roost ends it for
  TimePoint stop_deadline{};                    // of the stop under way
  std::string stop_problem;                     // what went wrong with its stop_command
  std::optional<loop::Timer> stop_turn;         // as long as that waits for its turn
  bool stop_skipped = false;                    // that came too late
  TreeMemory memory;
  std::optional<loop::Timer> drain;  // until the pump is told to look for an end of the output
  std::unique_ptr<TreeSweep> sweep;
  int signalling = 0;       // signals to the tree that are under way
  bool finish_due = false;  // the end waits for them
  bool sweeping = false;    // it has not answered yet
  bool kill_sweep = false;  // the sweep was begun by SIGKILL, before the exit
  int processes = 0;        // ended so far
  int killed = 0;
  // The end, in the order in which it usually comes; the keeper is told when all of it is there.
  std::optional<KeeperExit> exit;
  bool swept = false;
  TimePoint exited_at{};  // when it was heard of
  bool recorded = false;
  bool drained = false;
};

// Of a job; on record.
struct JobNote {
  WallMs until_ms = 0;        // its times up to here have been dealt with; 0: none known
  WallMs next_ms = 0;         // its next time; 0: none, or not known
  std::uint32_t skipped = 0;  // times that have come since its last run began, while it ran
  bool queued = false;        // it runs once more when it is done
  friend bool operator==(const JobNote&, const JobNote&) = default;
};

struct Instance {
  model::InstanceId id{};
  model::AppId app{};
  std::uint32_t slot = 0;
  std::uint32_t generation = 1;
  model::SpecPtr spec;
  model::InstanceState machine;
  std::optional<loop::Timer> backoff;
  TimePoint next_try{};    // while waiting
  bool resume = false;     // was up when `kill` stopped everything
  std::size_t found = 0;   // how many of wait_for were seen since it is held
  WallMs cron_due_ms = 0;  // when cron_restart comes next; 0: not known
  JobNote job;
  WallMs created_ms = 0;
  WallMs last_exit_ms = 0;
  std::optional<model::ExitStatus> last_exit;
  model::RunId last_exit_run{};
  model::InstanceNote kept;  // as the keeper has it, and state.db in part
};

// Up, or a job on its schedule.
[[nodiscard]] inline bool should_be_up(const Instance& instance) {
  return instance.machine.desired == model::Desired::up ||
         (instance.spec->job && instance.machine.finished);
}

// Its run has ended as it should, and is not to be followed by another.
[[nodiscard]] inline bool has_done_its_work(const Instance& instance) {
  return !instance.machine.current && instance.machine.finished && !instance.spec->job &&
         instance.machine.rest == model::Rest::stopped;
}

// Wanted up, and not started yet, since what it depends on is not there.
[[nodiscard]] inline bool is_held(const Instance& instance) {
  return !instance.machine.current && instance.machine.rest == model::Rest::held;
}

}  // namespace roost::daemon
