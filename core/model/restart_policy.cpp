#include "core/model/restart_policy.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/duration.h"

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

// What the user has asked for is kept to: no budget, no jitter.
Duration doubling_delay(Memory& memory, Duration first) {
  memory.backoff_step = std::min(memory.backoff_step + 1, kLastStep);
  const double nominal =
      std::ldexp(static_cast<double>(first.count()), static_cast<int>(memory.backoff_step) - 1);
  const auto cap = std::max(first, RestartPolicy::kExpBackoffCap);
  return Duration(std::llround(std::min(nominal, static_cast<double>(cap.count()))));
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

bool is_listed(const ExitStatus& status, std::span<const std::int32_t> codes) {
  return status.kind == ExitKind::exited &&
         std::find(codes.begin(), codes.end(), status.code) != codes.end();
}

}  // namespace

Result<RestartLimit> parse_restart_limit(std::string_view text) {
  const auto slash = text.find('/');
  const std::string_view number = text.substr(0, slash);
  RestartLimit limit;
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), limit.count);
  const bool whole = error == std::errc{} && end == number.data() + number.size();
  if (!whole || limit.count > 1'000'000)
    return Error{Errc::invalid,
                 "'" + std::string(text.substr(0, 40)) + "' is no number of restarts",
                 "write a number, or with a span of time: 5/10m"};
  if (slash == std::string_view::npos) return limit;
  auto within = parse_duration(text.substr(slash + 1));
  if (!within) return std::move(within).error();
  if (*within < 1s) return Error{Errc::invalid, "a span of less than 1s counts nothing", {}};
  limit.within = *within;
  return limit;
}

bool is_finished(const ExitStatus& status, RestartWhen restart,
                 std::span<const std::int32_t> stop_exit_codes) {
  return is_listed(status, stop_exit_codes) ||
         (is_success(status) && restart != RestartWhen::always);
}

// Counts this exit; the words for it when it is one too many.
std::optional<std::string> RestartTracker::too_many(const RestartPolicy& policy, TimePoint now) {
  if (!policy.max_restarts) return std::nullopt;
  const std::string limit = "max_restarts " + std::to_string(*policy.max_restarts);
  if (policy.max_restarts_within <= 0s) {
    if (memory_.streak <= *policy.max_restarts) return std::nullopt;
    return limit + " reached: " + std::to_string(memory_.streak) + " unhealthy exit" +
           (memory_.streak == 1 ? "" : "s in a row");
  }
  const std::int64_t now_ns = to_ns(now);
  const bool over =
      now_ns < window_.began_ns || now_ns - window_.began_ns > policy.max_restarts_within.count();
  if (window_.exits == 0 || over) window_ = {.began_ns = now_ns, .exits = 0, .reserved = 0};
  if (++window_.exits <= *policy.max_restarts) return std::nullopt;
  return limit + " in " + in_words(policy.max_restarts_within) +
         " reached: " + std::to_string(window_.exits) + " exit" + (window_.exits == 1 ? "" : "s");
}

// A run of a job may be as short as it likes.
RestartPolicy restart_policy_of(const AppSpec& spec) {
  if (spec.job)
    return {.restart = RestartWhen::on_failure,
            .stop_exit_codes = spec.stop_exit_codes,
            .restart_delay = spec.restart_delay,
            .max_restarts = {},
            .exp_backoff_restart_delay = spec.exp_backoff_restart_delay,
            .min_uptime = 0s,
            .retries = spec.retries};
  return {.restart = spec.restart,
          .stop_exit_codes = spec.stop_exit_codes,
          .restart_delay = spec.restart_delay,
          .max_restarts = spec.max_restarts,
          .max_restarts_within = spec.max_restarts_within,
          .exp_backoff_restart_delay = spec.exp_backoff_restart_delay,
          .min_uptime = spec.min_uptime,
          .retries = {}};
}

RestartDecision RestartTracker::on_exit(const ExitStatus& status, Duration ran_for, TimePoint now,
                                        const RestartPolicy& policy, double jitter) {
  using Action = RestartDecision::Action;
  if (policy.retries) return on_job_exit(status, policy, jitter);
  refill(memory_, now);
  count(memory_, ran_for, policy);
  const bool wanted = is_finished(status, policy.restart, policy.stop_exit_codes);
  const auto done = [&](std::string_view why) {
    return RestartDecision{.action = Action::done,
                           .wanted_end = wanted,
                           .reason = describe(status).append("; ").append(why)};
  };
  if (is_listed(status, policy.stop_exit_codes)) return done("one of stop_exit_codes");
  if (policy.restart == RestartWhen::never) return done("autorestart is off");
  if (policy.restart == RestartWhen::on_failure && is_success(status))
    return done("restarts on failure only");
  if (auto why = too_many(policy, now))
    return {.action = Action::give_up, .reason = std::move(*why)};
  const Duration own = policy.exp_backoff_restart_delay > 0s
                           ? doubling_delay(memory_, policy.exp_backoff_restart_delay)
                           : next_delay(memory_, jitter);
  const Duration delay = std::max(own, policy.restart_delay);
  std::string reason = what_happened(status, memory_, policy);
  reason += delay == 0s ? "; restarting at once" : "; next try in " + in_words(delay);
  return {.action = Action::restart, .delay = delay, .reason = std::move(reason)};
}

// Every failure counts, however long it took; the start of the next run begins anew.
RestartDecision RestartTracker::on_job_exit(const ExitStatus& status, const RestartPolicy& policy,
                                            double jitter) {
  using Action = RestartDecision::Action;
  const std::string how = describe(status);
  if (is_finished(status, policy.restart, policy.stop_exit_codes))
    return {.action = Action::done, .wanted_end = true, .reason = how};
  const std::uint32_t retry = ++memory_.streak;
  if (retry > *policy.retries)
    return {.action = Action::give_up,
            .reason = *policy.retries == 0
                          ? how
                          : how + "; the last of " + std::to_string(retry) + " tries"};
  Duration delay = policy.restart_delay;
  if (policy.exp_backoff_restart_delay > 0s) {
    delay = std::max(delay, doubling_delay(memory_, policy.exp_backoff_restart_delay));
  } else if (delay <= 0s) {
    memory_.backoff_step = std::min(memory_.backoff_step + 1, kLastStep);
    delay = backoff(memory_.backoff_step, jitter);
  }
  return {.action = Action::restart,
          .delay = delay,
          .reason = how + "; retry " + std::to_string(retry) + " of " +
                    std::to_string(*policy.retries) + "; next try in " + in_words(delay)};
}

}  // namespace roost::model
