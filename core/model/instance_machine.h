// The heart: what happens to an instance and its runs, as a pure function.
// docs/design/instance-states.md holds the table, and the tests walk every reachable state with
// every input.
//
// A Run is one life of a process. An instance has at most one current run and, while a successor
// proves itself, one retiring run that goes on serving. Timers are not effects: the shell arms
// exactly the one that timer_of() names for a run (or for the resting instance) and drops it when
// the phase is left. So a stale timer cannot exist.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "core/model/exit_status.h"
#include "core/model/ids.h"
#include "core/model/restart_policy.h"
#include "core/model/run_state.h"

namespace roost::model {

enum class Phase : std::uint8_t {
  spawning,   // clone asked for, pid not known yet
  launching,  // alive, has not proved itself
  online,
  stopping,  // stop signal sent to the tree, kill timer runs
  killing,   // SIGKILL sent to the tree
  sweeping   // the process is dead; what it left behind is being ended
};

struct RunMachine {
  RunId id{};
  Phase phase = Phase::spawning;
  bool asked = false;  // somebody wants it to end: its exit is no crash
  // It was found not to work, so roost ends it: its exit is a crash, whatever the status. Never
  // together with `asked`, which wins.
  bool failed = false;
  friend bool operator==(const RunMachine&, const RunMachine&) = default;
};

enum class TimerKind : std::uint8_t { ready, kill, backoff };

// What an instance without a current run is.
enum class Rest : std::uint8_t {
  stopped,
  waiting,  // for the time of the next try
  errored,
  held  // up is wanted, but what it depends on is not there yet
};

struct InstanceState {
  Desired desired = Desired::down;
  Rest rest = Rest::stopped;  // meaningful while there is no current run
  std::optional<RunMachine> current;
  std::optional<RunMachine>
      retiring;  // the predecessor; phase online (still serving), stopping, killing or sweeping
  bool finished = false;    // down because it has done its work, or waits for its time, and not
                            // because somebody said so
  ExitStatus pending_exit;  // of the current run while it is sweeping
  Duration pending_ran_for = 0s;
  std::string pending_cause;  // what is known of it beyond the status, in words; mostly empty
  std::string failure;        // of a failed current run: what was found, in words
  Duration worked_for = 0s;   // of a failed current run: how long it was seen to work
  RestartTracker tracker;
  std::uint32_t restarts = 0;
  std::uint32_t quick_exits = 0;
  Duration backoff = 0s;  // of the waiting just entered
  std::string reason;     // of the state, in words
  std::string asked_why;  // what the restart under way is for, in words; empty: a user's wish
};

// The reason of an instance that a user has stopped.
inline constexpr std::string_view kStoppedByRequest = "stopped by request";
inline constexpr std::string_view kRestartedByRequest = "restarted by request";  // of the exit

struct Input {
  enum class Kind : std::uint8_t {
    start,          // user: be up
    stop,           // user: be down
    restart,        // user: a new run
    replace,        // user: a new run that proves itself before the present one ends; ignored while
                    // an earlier predecessor is still ending
    enrol,          // user: a job is run at its times from now on; nothing is started
    backoff_timer,  // the wait is over
    released,       // what it was held for is there
    spawned,
    spawn_failed,
    ready,  // the run has proved itself
    fail,   // the run does not work, in `error`; it was seen to work for `ran_for`
    kill_timer,
    exited,  // the process is dead, status in `status`
    swept    // and nothing of its tree is left
  };
  Kind kind;
  RunId run{};  // for the run inputs
  ExitStatus status{};
  Duration ran_for = 0s;
  std::string error{};     // spawn_failed, fail: why; restart: what for, unless a user wants it;
                           // exited: its cause, where more is known than the status
  bool transient = false;  // spawn_failed for lack of resources: tried again, counts for nothing
};

struct Effect {
  enum class Kind : std::uint8_t { spawn, signal_stop, signal_kill, sweep };
  Kind kind;
  RunId run{};
  friend bool operator==(const Effect&, const Effect&) = default;
};

// Facts of the moment, so that the function stays pure.
struct StepContext {
  RestartPolicy policy;
  TimePoint now{};
  RunId next_run{};     // id for a run that this step may spawn
  double jitter = 0.5;  // [0,1)
  std::string held{};   // why a fresh start has to wait, in words; empty: it need not
};

struct Step {
  InstanceState next;
  std::vector<Effect> effects;
  bool ignored = false;  // the input cannot happen in this state: an earlier run's, or a bug
};

inline constexpr Duration kTransientRetry = 1s;

[[nodiscard]] Step step(const InstanceState& state, const Input& input, const StepContext& context);

// Whether what restarts apps (a schedule, a changed file) may start it: not what somebody has
// stopped.
[[nodiscard]] inline bool is_wanted(const InstanceState& state) {
  return state.desired == Desired::up || state.finished;
}

// The state a user sees.
[[nodiscard]] State state_of(const InstanceState& state);
// The timer a run needs in its phase, if any.
[[nodiscard]] std::optional<TimerKind> timer_of(const RunMachine& run);

// Whether a process of this run exists or is about to.
[[nodiscard]] inline bool has_process(const RunMachine& run) {
  return run.phase != Phase::sweeping;
}

// Broken invariants in words, or nothing: asserted after every step.
[[nodiscard]] std::string broken_invariant(const InstanceState& state);

}  // namespace roost::model
