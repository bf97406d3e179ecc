// What to do after an exit. A budget of immediate restarts that refills with time; when it is
// empty, exponential back-off until the app has been healthy for a while. Pure: now and jitter are
// arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/time.h"
#include "core/model/app_spec.h"
#include "core/model/exit_status.h"

namespace roost::model {

// "800ms", "1s", "2.5s".
[[nodiscard]] std::string in_words(Duration duration);

struct RestartPolicy {
  RestartWhen restart = RestartWhen::always;
  std::span<const std::int32_t> stop_exit_codes = {};  // a wanted end; the spec outlives the policy
  Duration restart_delay = 0s;
  std::optional<std::uint32_t> max_restarts;  // unhealthy exits in a row, then give up
  Duration max_restarts_within = 0s;          // not 0: exits of any kind within this span
  Duration exp_backoff_restart_delay = 0s;    // not 0: no budget; this, doubling with each exit
  Duration min_uptime = 1s;
  std::optional<std::uint32_t>
      retries{};  // of a job: further tries of a failed run, without budget

  static constexpr double kBudget = 10;        // immediate restarts
  static constexpr Duration kRefill = 6s;      // one more per
  static constexpr double kQuickExitCost = 4;  // an exit within min_uptime; any other costs 1
  static constexpr Duration kBackoffFirst = 100ms;
  static constexpr Duration kBackoffCap = 60s;
  static constexpr Duration kExpBackoffCap = 15s;  // of exp_backoff_restart_delay
  static constexpr Duration kHealthyAfter =
      60s;  // a run this long clears the back-off and the streak
};

// max_restarts as people write it: "5", or "5/10m" for five exits within ten minutes.
struct RestartLimit {
  std::uint32_t count = 0;
  Duration within = 0s;  // 0: unhealthy exits in a row
};

[[nodiscard]] Result<RestartLimit> parse_restart_limit(std::string_view text);

// Valid as long as the spec.
[[nodiscard]] RestartPolicy restart_policy_of(const AppSpec& spec);

struct RestartDecision {
  enum class Action : std::uint8_t { restart, give_up, done };
  Action action = Action::restart;
  bool wanted_end = false;  // done: an end as it should be, no failure
  Duration delay = 0s;      // restart: 0 = at once
  std::string reason;       // in words: "4 exits within 1s of start; next try in 800ms"
};

// Whether an exit is the end of an app that has done what it should: nothing is restarted.
[[nodiscard]] bool is_finished(const ExitStatus& status, RestartWhen restart,
                               std::span<const std::int32_t> stop_exit_codes);

class RestartTracker {
 public:
  // Kept in the InstanceNote, so that a new daemon goes on counting where the old one was killed.
  struct Memory {
    double budget = RestartPolicy::kBudget;
    std::int64_t budget_at_ns = 0;  // when `budget` was true, CLOCK_MONOTONIC; 0 = never used: full
    std::uint32_t quick_streak = 0;  // exits within min_uptime in a row
    std::uint32_t streak = 0;        // exits in a row, none of them after kHealthyAfter
    std::uint32_t backoff_step =
        0;  // 0 = not backing off; n: the last delay was kBackoffFirst·2^(n-1)
    friend bool operator==(const Memory&, const Memory&) = default;
  };

  // Of max_restarts_within: the span that is being counted.
  struct Window {
    std::int64_t began_ns = 0;  // CLOCK_MONOTONIC; 0 = none
    std::uint32_t exits = 0;
    std::uint32_t reserved = 0;
    friend bool operator==(const Window&, const Window&) = default;
  };

  RestartTracker() = default;

  explicit RestartTracker(const Memory& memory) : memory_(memory) {}

  RestartTracker(const Memory& memory, const Window& window) : memory_(memory), window_(window) {}

  // ran_for: how long the run lived; a failed spawn is a run of zero length. jitter in [0,1): the
  // delay is between 0.75 and 1.25 of its nominal value.
  RestartDecision on_exit(const ExitStatus& status, Duration ran_for, TimePoint now,
                          const RestartPolicy& policy, double jitter);

  // After a start the user asked for: full budget, no back-off.
  void reset() {
    memory_ = Memory{};
    window_ = Window{};
  }

  [[nodiscard]] const Memory& memory() const { return memory_; }

  [[nodiscard]] const Window& window() const { return window_; }

 private:
  [[nodiscard]] std::optional<std::string> too_many(const RestartPolicy& policy, TimePoint now);
  RestartDecision on_job_exit(const ExitStatus& status, const RestartPolicy& policy, double jitter);

  Memory memory_;
  Window window_;
};

}  // namespace roost::model
