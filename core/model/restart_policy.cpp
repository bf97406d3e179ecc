#include "core/model/restart_policy.h"

#include <algorithm>
#include <cmath>

namespace roost::model {

std::string in_words(Duration d) {
  const std::int64_t ms = to_ms(d);
  if (ms < 1000) return std::to_string(ms) + "ms";
  std::string text = std::to_string(ms / 1000);
  if (ms < 10'000 && ms % 1000 >= 100) text.append(".").append(std::to_string(ms % 1000 / 100));
  return text + "s";
}

namespace {

using Memory = RestartTracker::Memory;

// From this step on the delay is the cap; the count stops there, so that it cannot overflow.
constexpr std::uint32_t kLastStep = 11;

// "800ms", "1.6s", "75s".

void refill(Memory& memory, TimePoint now) {
  const std::int64_t now_ns = to_ns(now);
  if (memory.budget_at_ns != 0 && now_ns > memory.budget_at_ns) {
    const auto passed = static_cast<double>(now_ns - memory.budget_at_ns);
    memory.budget += passed / static_cast<double>(RestartPolicy::kRefill.count());
  }
  memory.budget = std::clamp(memory.budget, 0.0, RestartPolicy::kBudget);
  memory.budget_at_ns = now_ns;
}

void count(Memory& memory, Duration ran_for, const RestartPolicy& policy) {
  if (ran_for >= RestartPolicy::kHealthyAfter) {
    memory.streak = 0;
    memory.backoff_step = 0;
  } else {
    ++memory.streak;
  }
  memory.quick_streak = ran_for < policy.min_uptime ? memory.quick_streak + 1 : 0;
}

Duration backoff(std::uint32_t step, double jitter) {
  const double nominal =
      std::min(std::ldexp(static_cast<double>(RestartPolicy::kBackoffFirst.count()),
                          static_cast<int>(step) - 1),
               static_cast<double>(RestartPolicy::kBackoffCap.count()));
  return Duration(std::llround(nominal * (0.75 + 0.5 * std::clamp(jitter, 0.0, 1.0))));
}

// Zero: at once, paid from the budget. Once backing off, only a healthy run ends it: a refilled
// budget alone does not.
Duration next_delay(Memory& memory, double jitter) {
  const double cost = memory.quick_streak > 0 ? RestartPolicy::kQuickExitCost : 1;
  if (memory.backoff_step == 0 && memory.budget >= cost) {
    memory.budget -= cost;
    return 0s;
  }
  memory.backoff_step = std::min(memory.backoff_step + 1, kLastStep);
  return backoff(memory.backoff_step, jitter);
}

std::string what_happened(const ExitStatus& status, const Memory& memory,
                          const RestartPolicy& policy) {
  if (memory.backoff_step == 0) return describe(status);
  const std::string within = " within " + in_words(policy.min_uptime) + " of start";
  if (memory.quick_streak > 1) return std::to_string(memory.quick_streak) + " exits" + within;
  if (memory.quick_streak == 1) return describe(status) + within;
  return std::to_string(memory.streak) + " exits in a row, none after " +
         in_words(RestartPolicy::kHealthyAfter) + " of running";
}

}  // namespace

RestartDecision RestartTracker::on_exit(const ExitStatus& status, Duration ran_for, TimePoint now,
                                        const RestartPolicy& policy, double jitter) {
  using Action = RestartDecision::Action;
  refill(memory_, now);
  count(memory_, ran_for, policy);
  if (policy.restart == RestartWhen::never)
    return {Action::done, 0s, describe(status) + "; autorestart is off"};
  if (policy.max_restarts && memory_.streak > *policy.max_restarts) {
    return {Action::give_up, 0s,
            "max_restarts " + std::to_string(*policy.max_restarts) +
                " reached: " + std::to_string(memory_.streak) + " unhealthy exit" +
                (memory_.streak == 1 ? "" : "s in a row")};
  }
  const Duration delay = std::max(next_delay(memory_, jitter), policy.restart_delay);
  std::string reason = what_happened(status, memory_, policy);
  reason += delay == 0s ? "; restarting at once" : "; next try in " + in_words(delay);
  return {Action::restart, delay, std::move(reason)};
}

}  // namespace roost::model
