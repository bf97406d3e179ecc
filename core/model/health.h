// What health probes mean: when a run is ready, when it is unhealthy, and how roost keeps from
// restarting everything over and over because of something slow that all apps share. Pure.
#pragma once

#include <cstdint>
#include <deque>

#include "core/base/time.h"
#include "core/model/app_spec.h"

namespace roost::model {

enum class HealthVerdict : std::uint8_t { none, ready, unhealthy };

// How many failures in a row make a run unhealthy. After restarts that did not help (exits in a row
// without a run that worked) it is twice as many each time: what is slow gets time instead of
// restarts.
[[nodiscard]] std::uint32_t failures_needed(const HealthProbe& probe,
                                            std::uint32_t restarts_in_vain);

// From the end of one probe to the beginning of the next; often while it launches, so that a start
// does not wait for an interval.
[[nodiscard]] Duration probe_pause(const HealthProbe& probe, bool launching);

// The probes of one run.
class HealthTracker {
 public:
  // A probe has ended, when the run was `age` old.
  HealthVerdict on_probe(bool passed, Duration age, const HealthProbe& probe,
                         std::uint32_t restarts_in_vain);

  // In a row, since the start grace was over.
  [[nodiscard]] std::uint32_t failures() const { return failures_; }

  // The age at which the last probe passed; 0 when none has.
  [[nodiscard]] Duration worked_for() const { return worked_for_; }

 private:
  std::uint32_t failures_ = 0;
  Duration worked_for_ = 0s;
};

// How many apps may be restarted for their health: kHealthRestarts within kHealthRestartsWithin.
// Further ones are asked again after their next failed probe.
class HealthAllowance {
 public:
  [[nodiscard]] bool take(TimePoint now);

 private:
  std::deque<TimePoint> taken_;  // at most kHealthRestarts
};

}  // namespace roost::model
