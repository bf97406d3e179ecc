#include "daemon/process/adopt.h"

#include <algorithm>
#include <csignal>

#include <doctest/doctest.h>
#include <unistd.h>

#include "daemon/process/tree_signal.h"
#include "tests/unit/process/process_fixture.h"
#include "tests/unit/process/test_keeper.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {

// A home of each test's own, so that other tests' processes are not in it.
std::string own(const char* name) {
  return name + home_id();
}

SpawnPlan plan_in(const std::string& home, const model::AppSpec& spec, const Lane& lane = {}) {
  InstanceFacts facts = make_facts(lane);
  facts.home_id = home;
  return make_spawn_plan(spec, facts);
}

}  // namespace

TEST_CASE(
    "adopt: runs are found by their environment, each once, with what was written meanwhile") {
  ProcessFixture fixture;
  auto run = fixture.spawn(
      plan_in(own("a1"), shell("sleep 300 & echo before; echo oops >&2; exec sleep 300")));
  REQUIRE_FALSE(run.failure);
  REQUIRE(eventually([&] { return status_field(run.pid, "Name") == "sleep"; }));
  const auto found = find_runs(own("a1"));
  REQUIRE(found.runs.size() == 1);
  CHECK(found.strays.empty());
  const FoundRun& one = found.runs.front();
  CHECK(one.key.run == run.run);
  CHECK(one.key.instance == model::InstanceId{7});
  CHECK(one.id == ProcessId{.pid = run.pid, .start_ticks = run.label.start_ticks});
  CHECK_FALSE(one.lane);
  run.out.reset();
  run.err.reset();
  CHECK(read_until(one.out.get(), "\n") == "before\n");
  CHECK(read_until(one.err.get(), "\n") == "oops\n");
  CHECK(find_runs(own("b2")).runs.empty());
  for (const auto& id :
       signal_tree(fixture.tree_of(run, {}, own("a1")), 0, Resend::everyone, {}).alive)
    (void)signal_process(id, SIGKILL);
  CHECK(read_until(one.out.get(), "").empty());  // its end comes to the new reader, too
}

TEST_CASE("adopt: the tree of an adopted run is found under its new number") {
  ProcessFixture fixture;
  const auto run = fixture.spawn(plan_in(
      own("a6"), shell("setsid sleep 300 & (setsid sleep 300 &) ; echo ready; exec sleep 300")));
  REQUIRE_FALSE(run.failure);
  (void)read_until(run.out.get(), "ready\n");
  REQUIRE(eventually([&] { return status_field(run.pid, "Name") == "sleep"; }));
  const auto found = find_runs(own("a6"));
  REQUIRE(found.runs.size() == 1);
  TreeRoot root;
  root.key = found.runs.front().key;
  root.key.run = model::RunId{999};
  root.main = found.runs.front().id;
  root.keeper = ::getppid();
  root.self = ::getpid();
  root.foreign = true;
  CHECK(signal_tree(root, SIGKILL, Resend::everyone, {}).signalled.size() == 3);
  REQUIRE(test_keeper().wait_exit(run.run));
}

TEST_CASE("adopt: of a dead run only its stray descendants are found") {
  ProcessFixture fixture;
  const auto run = fixture.spawn(
      plan_in(own("a2"), shell("setsid sleep 300 & setsid sleep 300 & echo $!; exit 1")));
  REQUIRE_FALSE(run.failure);
  REQUIRE(test_keeper().wait_exit(run.run));
  (void)read_until(run.out.get(), "\n");
  const auto found = find_runs(own("a2"));
  CHECK(found.runs.empty());
  REQUIRE(found.strays.size() == 1);
  CHECK(found.strays.front().key.run == run.run);
  CHECK(found.strays.front().root_pid == run.pid);
  TreeRoot root;
  root.key = found.strays.front().key;
  root.foreign = true;
  const auto killed = signal_tree(root, SIGKILL, Resend::everyone, {});
  CHECK(killed.signalled.size() == 2);
  CHECK(eventually([] { return find_runs(own("a2")).strays.empty(); }));
}

TEST_CASE("adopt: a pipe that the app made for itself is not read from") {
  ProcessFixture fixture;
  const auto run = fixture.spawn(
      plan_in(own("a3"), shell("exec 3>&1; { echo ready >&3; exec sleep 300; } | exec sleep 301")));
  REQUIRE_FALSE(run.failure);
  (void)read_until(run.out.get(), "ready\n");
  // The left side of the pipeline: descendant of the run, its stdout is the shell's own pipe.
  TreeSignal tree;
  REQUIRE(eventually([&] {
    tree = signal_tree(fixture.tree_of(run, {}, own("a3")), 0, Resend::everyone, {});
    const auto sleeps = [](const ProcessId& id) { return status_field(id.pid, "Name") == "sleep"; };
    return std::count_if(tree.alive.begin(), tree.alive.end(), sleeps) == 2;
  }));
  int own_pipes = 0;
  for (const auto& id : tree.alive) {
    const auto reopened =
        reopen({.home_id = own("a3"), .app = {}, .instance = {}, .run = {}}, id, read_boot_id());
    REQUIRE(reopened);
    CHECK(reopened->err);
    own_pipes += reopened->out ? 0 : 1;
  }
  CHECK(own_pipes == 1);
  for (const auto& id : tree.alive)
    (void)signal_process(id, SIGKILL);
}

TEST_CASE("adopt: a run known from elsewhere is that very process, or gone") {
  ProcessFixture fixture;
  const auto run = fixture.spawn(plan_in(own("a4"), direct("/bin/sleep", {"300"})));
  REQUIRE_FALSE(run.failure);
  const RunKey key{.home_id = own("a4"),
                   .app = model::AppId{1},
                   .instance = model::InstanceId{7},
                   .run = run.run};
  const ProcessId id{.pid = run.pid, .start_ticks = run.label.start_ticks};
  const auto boot = read_boot_id();
  const auto found = reopen(key, id, boot);
  REQUIRE(found);
  CHECK(found->pidfd);
  CHECK(found->out);
  CHECK(found->key == key);
  auto other_boot = boot;
  other_boot[0] = static_cast<std::uint8_t>(other_boot[0] + 1);
  CHECK(reopen(key, id, other_boot).error().code == Errc::not_found);
  CHECK_FALSE(reopen(key, {.pid = id.pid, .start_ticks = id.start_ticks + 1}, boot));
  REQUIRE(signal_process(id, SIGKILL));
  REQUIRE(test_keeper().wait_exit(run.run));
  CHECK_FALSE(reopen(key, id, boot));
}

TEST_CASE("adopt: the lane of a run is found with it") {
  Lanes lanes = Lanes::open(own("a5"));
  if (lanes.kind() == CgroupKind::none) return;
  {
    ProcessFixture fixture;
    const Lane lane = lanes.acquire(model::InstanceId{7});
    const auto run = fixture.spawn(plan_in(own("a5"), direct("/bin/sleep", {"300"}), lane));
    REQUIRE_FALSE(run.failure);
    FoundRuns found;  // the spawner may be told before the child has left its memory
    REQUIRE(eventually([&] { return !(found = find_runs(own("a5"))).runs.empty(); }));
    REQUIRE(found.runs.size() == 1);
    CHECK(found.runs.front().lane.dir == lane.dir);
    CHECK(found.runs.front().lane.number == 1);
    REQUIRE(kill_lane(lane, ::getppid()));
    REQUIRE(eventually([&] { return !lanes.populated(model::InstanceId{7}, lane); }));
  }
  lanes.remove_all();
}
