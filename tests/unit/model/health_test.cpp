#include "core/model/health.h"

#include <doctest/doctest.h>

#include "core/model/limits.h"

using namespace roost;
using namespace roost::model;

namespace {
const HealthProbe kProbe{.target = "http://localhost", .retries = 3, .start_grace = 30s};
}

TEST_CASE("health: so many failures in a row after the start grace make a run unhealthy") {
  HealthTracker run;
  for (int i = 0; i < 10; ++i)
    CHECK(run.on_probe(false, 29s, kProbe, 0) == HealthVerdict::none);
  CHECK(run.on_probe(false, 30s, kProbe, 0) == HealthVerdict::none);
  CHECK(run.on_probe(false, 40s, kProbe, 0) == HealthVerdict::none);
  CHECK(run.on_probe(true, 50s, kProbe, 0) == HealthVerdict::ready);
  CHECK(run.failures() == 0);
  for (const Duration age : {60s, 70s})
    CHECK(run.on_probe(false, age, kProbe, 0) == HealthVerdict::none);
  CHECK(run.on_probe(false, 80s, kProbe, 0) == HealthVerdict::unhealthy);
  CHECK(run.worked_for() == 50s);
}

TEST_CASE("health: after restarts in vain it takes twice as many failures each time") {
  CHECK(failures_needed(kProbe, 0) == 3);
  CHECK(failures_needed(kProbe, 1) == 6);
  CHECK(failures_needed(kProbe, 3) == 24);
  CHECK(failures_needed(kProbe, 1000) == 192);
  HealthTracker run;
  for (int i = 0; i < 5; ++i)
    CHECK(run.on_probe(false, 1min, kProbe, 1) == HealthVerdict::none);
  CHECK(run.on_probe(false, 1min, kProbe, 1) == HealthVerdict::unhealthy);
}

TEST_CASE("health: a run is probed often while it launches") {
  CHECK(probe_pause(kProbe, false) == 10s);
  CHECK(probe_pause(kProbe, true) == 1s);
}

TEST_CASE("health: few apps are restarted at a time") {
  HealthAllowance allowance;
  const TimePoint begin = from_ns(1'000'000'000'000);
  for (int i = 0; i < limits::kHealthRestarts; ++i)
    CHECK(allowance.take(begin + i * 1s));
  CHECK_FALSE(allowance.take(begin + 10s));
  CHECK_FALSE(allowance.take(begin + limits::kHealthRestartsWithin - 1ms));
  CHECK(allowance.take(begin + limits::kHealthRestartsWithin));
  CHECK_FALSE(allowance.take(begin + limits::kHealthRestartsWithin + 999ms));
}
