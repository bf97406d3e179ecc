#include "daemon/process/tree_sweep.h"

#include <csignal>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/process/lane_files.h"
#include "daemon/process/shared_walk.h"
#include "daemon/process/tree_signal.h"
#include "tests/unit/process/process_fixture.h"
#include "tests/unit/process/test_keeper.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {

// A plain child, one in its own session, one that was re-parented, one with its output still on the
// app's pipe but without environment and session, and (last) one that kept nothing at all.
constexpr char kFamily[] =
    "sleep 300 & echo $!;"
    "setsid sleep 300 & echo $!;"
    "(setsid sleep 300 & echo $!);"
    "(env -i /usr/bin/setsid /bin/sleep 300 & echo $!);"
    "(env -i /usr/bin/setsid /bin/sleep 300 >/dev/null 2>&1 </dev/null & echo $!);"
    "echo ready;";

struct Family {
  SpawnResult main;
  std::vector<ProcessId> members;  // in the order above
};

Family start_family(ProcessFixture& fixture, const std::string& then, const Lane& lane = {}) {
  Family family{.main = fixture.spawn(shell(kFamily + then), lane), .members = {}};
  REQUIRE_FALSE(family.main.failure);
  std::istringstream lines(read_until(family.main.out.get(), "ready\n"));
  for (std::string line; std::getline(lines, line) && line != "ready";) {
    // Until it runs sleep it might still be about to leave the session.
    const pid_t pid = std::stoi(line);
    REQUIRE(eventually([&] { return status_field(pid, "Name") == "sleep"; }));
    family.members.push_back(read_stat(pid)->id);
  }
  REQUIRE(family.members.size() == 5);
  return family;
}

SweepResult sweep(ProcessFixture& fixture, const TreeRoot& root, Duration until_kill,
                  TreeMemory memory = {}) {
  std::optional<SweepResult> result;
  const TreeSweep sweep(fixture.loop, fixture.worker, root, std::move(memory),
                        Monotonic::now() + until_kill, [&](SweepResult done) { result = done; });
  CHECK_FALSE(result);
  REQUIRE(fixture.loop.run_until([&] { return result.has_value(); }, 20s));
  return *result;
}

int count_alive(const Family& family) {
  int alive = 0;
  for (const auto& id : family.members)
    alive += is_alive(id) ? 1 : 0;
  return alive;
}

void kill_rest(const Family& family) {
  for (const auto& id : family.members)
    (void)signal_process(id, SIGKILL);
}

}  // namespace

TEST_CASE("sweep: with a cgroup nobody escapes, not even without session, environment and pipes") {
  with_each_kind_of_lanes([](Lanes& lanes, const std::string&) {
    ProcessFixture fixture;
    const Lane lane = lanes.acquire(model::InstanceId{7});
    const auto family = start_family(fixture, "exit 3", lane);
    REQUIRE(test_keeper().wait_exit(family.main.run)->status == 3);
    CHECK(count_alive(family) == 5);
    const auto result = sweep(fixture, fixture.tree_of(family.main, lane), 10s);
    CHECK(result.signalled == 5);
    CHECK(result.killed == 0);
    CHECK(result.survivors == 0);
    CHECK(count_alive(family) == 0);
    CHECK_FALSE(lanes.populated(model::InstanceId{7}, lane));
    kill_rest(family);
  });
}

TEST_CASE(
    "sweep: without a cgroup all but the one that kept nothing, after the main process died") {
  ProcessFixture fixture;
  const auto family = start_family(fixture, "exit 3");
  REQUIRE(test_keeper().wait_exit(family.main.run));
  const auto result = sweep(fixture, fixture.tree_of(family.main), 10s);
  CHECK(result.signalled == 4);
  CHECK(result.survivors == 0);
  CHECK(count_alive(family) == 1);
  CHECK(is_alive(family.members.back()));
  kill_rest(family);
}

TEST_CASE("sweep: a look while the main process lives makes its family known") {
  ProcessFixture fixture;
  const auto run =
      fixture.spawn(shell("env -i setsid sh -c 'sleep 300 & echo $!; exec sleep 300' 2>/dev/null & "
                          "echo ready; exec sleep 300"));
  REQUIRE_FALSE(run.failure);
  (void)read_until(run.out.get(), "ready\n");
  TreeRoot root = fixture.tree_of(run);
  root.out_pipe = 0;  // without the help of the pipe
  root.err_pipe = 0;
  TreeSignal seen;
  REQUIRE(eventually([&] {
    seen = signal_tree(root, 0, Resend::everyone, {});
    return seen.alive.size() == 3;
  }));
  CHECK(seen.signalled.empty());
  CHECK(seen.alive.front().pid == run.pid);
  REQUIRE(signal_process(seen.alive[0], SIGKILL));
  REQUIRE(test_keeper().wait_exit(run.run));
  const auto result = sweep(fixture, root, 10s, seen.memory);
  CHECK(result.signalled == 2);
  for (const auto& id : seen.alive)
    CHECK_FALSE(is_alive(id));
}

TEST_CASE(
    "sweep: the main process too, when it lives; those signalled before are not signalled again") {
  ProcessFixture fixture;
  const auto family = start_family(fixture, "wait; exec sleep 300");
  const TreeRoot root = fixture.tree_of(family.main);
  const auto asked = signal_tree(root, SIGTERM, Resend::everyone, {});
  CHECK(asked.signalled.size() == 5);
  const auto result = sweep(fixture, root, 10s, asked.memory);
  CHECK(result.signalled == 0);
  CHECK(result.survivors == 0);
  CHECK(count_alive(family) == 1);
  REQUIRE(test_keeper().wait_exit(family.main.run));
  kill_rest(family);
}

TEST_CASE("sweep: what ignores SIGTERM is killed at the deadline, and counted") {
  ProcessFixture fixture;
  const auto run = fixture.spawn(
      shell("setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 300; done' & wait"));
  REQUIRE_FALSE(run.failure);
  const pid_t stubborn = std::stoi(read_until(run.out.get(), "\n"));
  const auto id = read_stat(stubborn)->id;
  const TimePoint start = Monotonic::now();
  const auto result = sweep(fixture, fixture.tree_of(run), 200ms);
  CHECK(Monotonic::now() - start >= 200ms);
  CHECK(Monotonic::now() - start < 5s);
  CHECK(result.killed >= 1);
  CHECK(result.survivors == 0);
  CHECK_FALSE(is_alive(id));
}

TEST_CASE("sweep: an impatient stop kills now") {
  ProcessFixture fixture;
  const auto run = fixture.spawn(shell("trap '' TERM; echo ready; while :; do sleep 300; done"));
  REQUIRE_FALSE(run.failure);
  (void)read_until(run.out.get(), "ready\n");
  std::optional<SweepResult> result;
  TreeSweep sweep(fixture.loop, fixture.worker, fixture.tree_of(run), {}, Monotonic::now() + 60s,
                  [&](SweepResult done) { result = done; });
  CHECK_FALSE(fixture.loop.run_until([&] { return result.has_value(); }, 100ms));
  sweep.kill_now();
  REQUIRE(fixture.loop.run_until([&] { return result.has_value(); }, 10s));
  CHECK(result->killed >= 1);
  CHECK(test_keeper().wait_exit(run.run)->status == SIGKILL);
}

TEST_CASE("sweep: nothing left is told in the next turn, and an innocent process is not touched") {
  ProcessFixture fixture;
  const auto innocent = fixture.spawn(shell("sleep 300 & echo ready; exec sleep 300"));
  REQUIRE_FALSE(innocent.failure);
  (void)read_until(innocent.out.get(), "ready\n");
  const auto run = fixture.spawn(direct("/bin/true"));
  REQUIRE_FALSE(run.failure);
  REQUIRE(test_keeper().wait_exit(run.run));
  const auto result = sweep(fixture, fixture.tree_of(run), 10s);
  CHECK(result.signalled == 0);
  CHECK(result.survivors == 0);
  const auto family = signal_tree(fixture.tree_of(innocent), 0, Resend::everyone, {});
  CHECK(family.alive.size() == 2);
  for (const auto& id : family.alive)
    CHECK(is_alive(id));
  (void)sweep(fixture, fixture.tree_of(innocent), 0s);
}

TEST_CASE("sweep: an empty lane is done without a walk") {
  Lanes lanes = Lanes::open(home_id());
  if (lanes.kind() == CgroupKind::none) return;
  {
    ProcessFixture fixture;
    const Lane lane = lanes.acquire(model::InstanceId{7});
    std::optional<SweepResult> result;
    TreeRoot root;
    root.lane = lane;
    const TreeSweep sweep(fixture.loop, fixture.worker, root, {}, Monotonic::now() + 10s,
                          [&](SweepResult done) { result = done; });
    CHECK(fixture.worker.pending() == 0);
    CHECK_FALSE(result);
    REQUIRE(fixture.loop.run_until([&] { return result.has_value(); }, 10s));
  }
  lanes.remove_all();
}

TEST_CASE("sweep: may be destroyed at any time, in its own callback too") {
  ProcessFixture fixture;
  const auto run = fixture.spawn(shell("trap '' TERM; echo ready; while :; do sleep 300; done"));
  REQUIRE_FALSE(run.failure);
  (void)read_until(run.out.get(), "ready\n");
  bool called = false;
  auto abandoned =
      std::make_unique<TreeSweep>(fixture.loop, fixture.worker, fixture.tree_of(run), TreeMemory{},
                                  Monotonic::now() + 60s, [&](SweepResult) { called = true; });
  abandoned.reset();
  auto watching =
      std::make_unique<TreeSweep>(fixture.loop, fixture.worker, fixture.tree_of(run), TreeMemory{},
                                  Monotonic::now() + 60s, [&](SweepResult) { called = true; });
  CHECK_FALSE(fixture.loop.run_until([&] { return called; }, 100ms));
  watching.reset();
  std::unique_ptr<TreeSweep> last;
  bool finished = false;
  last = std::make_unique<TreeSweep>(fixture.loop, fixture.worker, fixture.tree_of(run),
                                     TreeMemory{}, Monotonic::now(), [&](SweepResult) {
                                       last.reset();
                                       finished = true;
                                     });
  REQUIRE(fixture.loop.run_until([&] { return finished; }, 10s));
  CHECK_FALSE(called);
}

TEST_CASE("signal: a child that was moved out of the lane is found, too") {
  with_each_kind_of_lanes([](Lanes& lanes, const std::string& parent) {
    ProcessFixture fixture;
    const Lane lane = lanes.acquire(model::InstanceId{7});
    const auto run = fixture.spawn(shell("sleep 300 & sleep 300 & echo $!; wait"), lane);
    REQUIRE_FALSE(run.failure);
    const std::string moved = read_until(run.out.get(), "\n");
    const TreeRoot root = fixture.tree_of(run, lane);
    const auto within = signal_tree(root, 0, Resend::everyone, {});
    CHECK(within.alive.size() == 3);
    CHECK(within.alive.front().pid == run.pid);
    std::ofstream(parent + "/cgroup.procs") << moved << std::flush;
    REQUIRE(lane_pids(lane, 10).size() == 2);
    const auto found = signal_tree(root, SIGKILL, Resend::everyone, {});
    CHECK(found.alive.size() == 3);
    CHECK(found.alive.front().pid == run.pid);
    CHECK(found.signalled.size() == 3);
    REQUIRE(test_keeper().wait_exit(run.run));
    CHECK(eventually([&] { return !lanes.populated(model::InstanceId{7}, lane); }));
  });
}

TEST_CASE("sweep: many at once share a walk") {
  ProcessFixture fixture;
  const auto walk = std::make_shared<SharedWalk>();
  std::vector<Family> families;
  std::vector<std::unique_ptr<TreeSweep>> sweeps;
  int done = 0;
  for (int i = 0; i < 8; ++i)
    families.push_back(start_family(fixture, "exec sleep 300"));
  for (const auto& family : families) {
    TreeRoot root = fixture.tree_of(family.main);
    root.walk = walk;
    sweeps.push_back(std::make_unique<TreeSweep>(fixture.loop, fixture.worker, root, TreeMemory{},
                                                 Monotonic::now() + 10s,
                                                 [&](SweepResult) { ++done; }));
  }
  REQUIRE(fixture.loop.run_until([&] { return done == 8; }, 20s));
  for (const auto& family : families) {
    CHECK(count_alive(family) == 1);
    kill_rest(family);
  }
}

TEST_CASE("signal: a number that is somebody else's is not signalled") {
  ProcessFixture fixture;
  const auto run = fixture.spawn(direct("/bin/sleep", {"300"}));
  REQUIRE_FALSE(run.failure);
  const ProcessId past{.pid = run.pid, .start_ticks = run.label.start_ticks - 1};
  CHECK_FALSE(open_pidfd(past));
  CHECK_FALSE(signal_process(past, SIGKILL));
  const ProcessId now{.pid = run.pid, .start_ticks = run.label.start_ticks};
  CHECK(is_alive(now));
  CHECK(signal_process(now, SIGKILL));
}
