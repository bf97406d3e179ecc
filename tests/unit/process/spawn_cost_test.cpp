// Prints what a spawn costs, beside posix_spawn in the same process. Fails only when something is
// lost.
#include <algorithm>
#include <chrono>

#include <doctest/doctest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/loop/poll.h"
#include "daemon/process/lanes.h"
#include "daemon/process/spawn_attempt.h"
#include "tests/unit/process/process_fixture.h"
#include "tests/unit/process/test_keeper.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {

constexpr int kSpawns = 1000;

double us_since(TimePoint start) {
  return std::chrono::duration<double, std::micro>(Monotonic::now() - start).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + kSpawns / 2, values.end());
  return values[kSpawns / 2];
}

double posix_spawns() {
  char* const argv[] = {const_cast<char*>("/bin/true"), nullptr};
  std::vector<double> costs;
  for (int i = 0; i < kSpawns; ++i) {
    pid_t pid = 0;
    const TimePoint start = Monotonic::now();
    REQUIRE(::posix_spawn(&pid, "/bin/true", nullptr, nullptr, argv, environ) == 0);
    costs.push_back(us_since(start));
    ::waitpid(pid, nullptr, 0);
  }
  return median(costs);
}

// The whole of a spawn: pipes, clone, registration, exec, start time.
double our_spawns(const Lane& lane) {
  auto bench = SpawnBench::make();
  REQUIRE(bench);
  const SpawnerOptions options{.keeper_fd = test_keeper().fd(), .originals = {}, .post = {}};
  std::vector<double> costs;
  for (int i = 0; i < kSpawns; ++i) {
    auto plan = make_spawn_plan(direct("/bin/true"), make_facts(lane));
    const TimePoint start = Monotonic::now();
    const auto run = SpawnAttempt(*bench, options, std::move(plan)).run();
    costs.push_back(us_since(start));
    REQUIRE_FALSE(run.failure);
    REQUIRE(test_keeper().wait_exit(run.run));
  }
  return median(costs);
}

void spawn_all_at_once() {
  ProcessFixture fixture;
  // As the daemon does: the keeper's answers are read while the spawner works.
  loop::Poll answers(fixture.loop, test_keeper().fd(), [](unsigned) { test_keeper().drain(); });
  REQUIRE(answers.start(loop::Poll::readable));
  std::vector<model::RunId> runs;
  int failures = 0;
  int done = 0;
  for (int i = 0; i < kSpawns; ++i) {
    auto plan = make_spawn_plan(direct("/bin/true"), make_facts());
    runs.push_back(plan.label.run);
    fixture.spawner.spawn(std::move(plan), [&](SpawnResult run) {
      ++done;
      if (run.failure) ++failures;
    });
  }
  REQUIRE(fixture.loop.run_until([&] { return done == kSpawns; }, 60s));
  CHECK(failures == 0);
  for (const auto run : runs)
    REQUIRE(test_keeper().wait_exit(run));
}

}  // namespace

TEST_CASE("spawn cost: 1000 spawns asked for at once, all registered, all exits seen") {
  spawn_all_at_once();
}

TEST_CASE("spawn cost: printed beside that of posix_spawn") {
  const double plain = posix_spawns();
  const double ours = our_spawns({});
  Lanes lanes = Lanes::open(home_id());
  const Lane lane = lanes.acquire(model::InstanceId{7});
  const double in_lane = our_spawns(lane);
  MESSAGE("us per spawn, median of 1000: posix_spawn "
          << plain << ", ours " << ours << ", in a cgroup " << in_lane << " (" << lanes.why()
          << ")");
  CHECK(eventually([&] { return !lanes.populated(model::InstanceId{7}, lane); }));
  lanes.remove_all();
}
