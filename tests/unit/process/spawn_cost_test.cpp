// Prints what a spawn costs, beside posix_spawn in the same process. Fails only when something is
// lost.
#include <chrono>

#include <doctest/doctest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/loop/poll.h"
#include "daemon/process/lanes.h"
#include "daemon/process/spawn_once.h"
#include "tests/unit/process/process_fixture.h"
#include "tests/unit/process/test_keeper.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {

constexpr int kSpawns = 1000;

double us_each(TimePoint start) {
  return std::chrono::duration<double, std::micro>(Monotonic::now() - start).count() / kSpawns;
}

double posix_spawns() {
  char* const argv[] = {const_cast<char*>("/bin/true"), nullptr};
  const TimePoint start = Monotonic::now();
  std::vector<pid_t> pids;
  for (int i = 0; i < kSpawns; ++i) {
    pid_t pid = 0;
    REQUIRE(::posix_spawn(&pid, "/bin/true", nullptr, nullptr, argv, environ) == 0);
    pids.push_back(pid);
  }
  const double cost = us_each(start);
  for (const pid_t pid : pids)
    ::waitpid(pid, nullptr, 0);
  return cost;
}

double our_spawns(const Lane& lane) {
  ProcessFixture fixture;
  // As the daemon does: the keeper's answers are read while the spawner works.
  loop::Poll answers(fixture.loop, test_keeper().fd(), [](unsigned) { test_keeper().drain(); });
  REQUIRE(answers.start(loop::Poll::readable));
  std::vector<model::RunId> runs;
  int failures = 0;
  int done = 0;
  const TimePoint start = Monotonic::now();
  for (int i = 0; i < kSpawns; ++i) {
    auto plan = make_spawn_plan(direct("/bin/true"), make_facts(lane));
    runs.push_back(plan.label.run);
    fixture.spawner.spawn(std::move(plan), [&](SpawnResult run) {
      ++done;
      if (run.failure) ++failures;
    });
  }
  REQUIRE(fixture.loop.run_until([&] { return done == kSpawns; }, 60s));
  const double cost = us_each(start);
  CHECK(failures == 0);
  for (const auto run : runs)
    REQUIRE(test_keeper().wait_exit(run));
  return cost;
}

}  // namespace

TEST_CASE("spawn cost: 1000 spawns, all registered, all exits seen") {
  const double plain = posix_spawns();
  const double ours = our_spawns({});
  Lanes lanes = Lanes::open(kHomeId);
  const Lane lane = lanes.acquire(model::InstanceId{7});
  const double in_lane = our_spawns(lane);
  MESSAGE("us per spawn: posix_spawn " << plain << ", ours " << ours << ", in a cgroup " << in_lane
                                       << " (" << lanes.why() << ")");
  CHECK(eventually([&] { return !lanes.populated(lane); }));
  lanes.remove_all();
}
