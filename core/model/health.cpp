#include "core/model/health.h"

#include <algorithm>

#include "core/model/limits.h"

namespace roost::model {
namespace {
constexpr std::uint32_t kMostDoublings = 6;
constexpr Duration kLaunchPause = 1s;
}  // namespace

std::uint32_t failures_needed(const HealthProbe& probe, std::uint32_t restarts_in_vain) {
  return std::max(probe.retries, 1U) << std::min(restarts_in_vain, kMostDoublings);
}

Duration probe_pause(const HealthProbe& probe, bool launching) {
  return launching ? std::min(probe.interval, kLaunchPause) : probe.interval;
}

HealthVerdict HealthTracker::on_probe(bool passed, Duration age, const HealthProbe& probe,
                                      std::uint32_t restarts_in_vain) {
  if (passed) {
    failures_ = 0;
    worked_for_ = age;
    return HealthVerdict::ready;
  }
  if (age < probe.start_grace) return HealthVerdict::none;
  ++failures_;
  return failures_ >= failures_needed(probe, restarts_in_vain) ? HealthVerdict::unhealthy
                                                               : HealthVerdict::none;
}

bool HealthAllowance::take(TimePoint now) {
  while (!taken_.empty() && now - taken_.front() >= limits::kHealthRestartsWithin)
    taken_.pop_front();
  if (taken_.size() >= std::size_t{limits::kHealthRestarts}) return false;
  taken_.push_back(now);
  return true;
}

}  // namespace roost::model
