// What to do after an exit. A budget of immediate restarts that refills with time; when it is
// empty, exponential back-off until the app has been healthy for a while. Pure: now and jitter are
// arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/time.h"
#include "core/model/app_spec.h"
#include "core/model/exit_status.h"

namespace roost::model {

// "800ms", "1s", "2.5s".
[[nodiscard]] std::string in_words(Duration duration);

struct RestartPolicy {
  RestartWhen restart = RestartWhen::always;
  Duration restart_delay = 0s;
  std::optional<std::uint32_t> max_restarts;  // unhealthy exits in a row, then give up
  Duration min_uptime = 1s;

  static constexpr double kBudget = 10;        // immediate restarts
  static constexpr Duration kRefill = 6s;      // one more per
  static constexpr double kQuickExitCost = 4;  // an exit within min_uptime; any other costs 1
  static constexpr Duration kBackoffFirst = 100ms;
  static constexpr Duration kBackoffCap = 60s;
  static constexpr Duration kHealthyAfter =
      60s;  // a run this long clears the back-off and the streak
};

struct RestartDecision {
  enum class Action : std::uint8_t { restart, give_up, done };
  Action action = Action::restart;
  Duration delay = 0s;  // restart: 0 = at once
  std::string reason;   // in words: "4 exits within 1s of start; next try in 800ms"
};

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

  RestartTracker() = default;

  explicit RestartTracker(const Memory& memory) : memory_(memory) {}

  // ran_for: how long the run lived; a failed spawn is a run of zero length. jitter in [0,1): the
  // delay is between 0.75 and 1.25 of its nominal value.
  RestartDecision on_exit(const ExitStatus& status, Duration ran_for, TimePoint now,
                          const RestartPolicy& policy, double jitter);

  // After a start the user asked for: full budget, no back-off.
  void reset() { memory_ = Memory{}; }

  [[nodiscard]] const Memory& memory() const { return memory_; }

 private:
  Memory memory_;
};

}  // namespace roost::model
