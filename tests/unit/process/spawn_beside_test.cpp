// Spawns that the loop's thread begins and that go on beside it.
#include <cerrno>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/process/spawn_attempt.h"
#include "tests/unit/process/process_fixture.h"
#include "tests/unit/process/test_keeper.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {

// The part of the loop that decides when the spawner may look: here the test does.
struct Beside {
  loop::Loop loop;
  UniqueFd bell{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  bool patient = true;
  std::vector<std::function<void()>> awaited;
  std::optional<SpawnResult> result;
  UniqueFd out;
  UniqueFd err;  // kept: the child sends it to the keeper
  int settled = 0;
  bool more_follow = false;
  std::unique_ptr<Spawner> spawner = std::make_unique<Spawner>(SpawnerOptions{
      .keeper_fd = test_keeper().fd(),
      .originals = {.oom_score_adj = read_priorities().oom_score_adj,
                    .nofile = 1024,
                    .umask = 027,
                    .nice = 0},
      .post = [this](std::function<void()> task, Duration) { loop.post(std::move(task)); },
      .at_next_wake =
          [this](std::function<void()> task) {
            if (patient) awaited.push_back(std::move(task));
            return patient;
          },
      .loop_bell = bell.get()});

  Beside() {
    spawn(direct("/bin/true"));  // the thread makes its bench, and is idle then
    wake_until_done();
    result.reset();
    settled = 0;
  }

  ~Beside() {
    spawner.reset();
    if (result && result->pidfd) ::kill(result->pid, SIGKILL);
  }

  void spawn(const model::AppSpec& spec, Duration patience = Duration(10s)) {
    SpawnPlan plan = make_spawn_plan(spec, make_facts());
    plan.patience = patience;
    plan.take_output = [this](UniqueFd stdout_end, UniqueFd stderr_end) {
      out = std::move(stdout_end);
      err = std::move(stderr_end);
    };
    plan.settled = [this](const SpawnResult&, bool more) {
      ++settled;
      more_follow = more;
    };
    spawner->spawn(std::move(plan), [this](SpawnResult done) { result = std::move(done); });
  }

  void wake() {
    for (const auto& task : std::exchange(awaited, {}))
      task();
  }

  void turn() {
    int turns = 0;
    (void)loop.run_until([&turns] { return turns++ > 0; }, 1s);
  }

  void wake_until_done() {
    REQUIRE(eventually([this] {
      wake();
      turn();
      return result.has_value();
    }));
  }

  [[nodiscard]] bool rang() const {
    eventfd_t rings = 0;
    return ::eventfd_read(bell.get(), &rings) == 0;
  }
};

}  // namespace

TEST_CASE(
    "spawn beside: begun at once, concluded at the next wake, with all that any spawn tells") {
  if (!SpawnAttempt::can_begin({})) return;  // all goes by the thread here
  Beside beside;
  beside.spawn(shell("echo hello; exec sleep 1000"));
  CHECK(beside.awaited.size() == 1);
  CHECK(beside.spawner->busy());
  CHECK(beside.spawner->waiting() == 0);
  REQUIRE(beside.out);  // the pump has it before the program runs
  CHECK(read_until(beside.out.get(), "hello\n") == "hello\n");
  CHECK_FALSE(beside.result);
  beside.wake();
  REQUIRE(beside.result);
  CHECK_FALSE(beside.spawner->busy());
  const SpawnResult& run = *beside.result;
  CHECK_FALSE(run.failure);
  CHECK(run.output_taken);
  CHECK(run.pidfd);
  CHECK(run.out_pipe != 0);
  CHECK(is_alive({run.pid, run.label.start_ticks}));
  CHECK(beside.settled == 1);
  CHECK(beside.more_follow);
  const auto label = test_keeper().wait_registered(run.run);
  REQUIRE(label);
  CHECK(label->pid == run.pid);
  CHECK_FALSE(beside.rang());
}

TEST_CASE("spawn beside: the end of output is seen when the app has gone") {
  Beside beside;
  beside.spawn(direct("/bin/echo", {"last words"}));
  beside.wake_until_done();
  CHECK(read_to_end(beside.out.get()) == "last words\n");
}

TEST_CASE("spawn beside: nobody's errno is touched by a child that fails") {
  if (!SpawnAttempt::can_begin({})) return;
  Beside beside;
  auto spec = direct("/bin/true");
  spec.cwd = "/nowhere";
  for (int i = 0; i < 20; ++i) {
    beside.result.reset();
    beside.spawn(spec);
    errno = 0;
    bool changed = false;
    while (!beside.rang())
      changed = changed || errno == ENOENT;
    CHECK_FALSE(changed);
    beside.wake_until_done();
    REQUIRE(beside.result->failure);
  }
}

TEST_CASE("spawn beside: a failure before the registration rings, since no exit will") {
  if (!SpawnAttempt::can_begin({})) return;
  Beside beside;
  auto spec = direct("/bin/true");
  spec.cwd = "/nowhere";
  beside.spawn(spec);
  CHECK(eventually([&] { return beside.rang(); }));
  beside.wake_until_done();
  REQUIRE(beside.result->failure);
  CHECK(beside.result->failure->stage == SpawnStage::cwd);
  CHECK_FALSE(beside.result->failure->registered);
  CHECK(beside.result->output_taken);
  CHECK(read_to_end(beside.out.get()).empty());
}

TEST_CASE("spawn beside: a program that cannot be executed") {
  Beside beside;
  beside.spawn(direct("/nowhere/app"));
  beside.wake_until_done();
  REQUIRE(beside.result->failure);
  CHECK(beside.result->failure->stage == SpawnStage::exec);
  CHECK(beside.result->failure->registered);
  const auto exit = test_keeper().wait_exit(beside.result->run);
  REQUIRE(exit);
  CHECK(exit->status == 127);
}

TEST_CASE("spawn beside: not while somebody waits or looks on") {
  Beside beside;
  beside.spawn(direct("/bin/true"), Duration::zero());
  CHECK(beside.awaited.empty());
  beside.wake_until_done();
  beside.result.reset();
  beside.patient = false;
  beside.spawn(direct("/bin/true"));
  CHECK(beside.awaited.empty());
  beside.wake_until_done();
  CHECK_FALSE(beside.result->failure);
}

TEST_CASE("spawn beside: whoever comes next waits for the one begun") {
  Beside beside;
  std::vector<pid_t> order;
  for (int i = 0; i < 3; ++i) {
    SpawnPlan plan = make_spawn_plan(direct("/bin/true"), make_facts());
    plan.patience = 10s;
    beside.spawner->spawn(std::move(plan), [&](SpawnResult done) {
      CHECK_FALSE(done.failure);
      order.push_back(done.pid);
    });
  }
  CHECK(eventually([&] {
    beside.wake();
    beside.turn();
    return order.size() == 3;
  }));
  CHECK(order[0] != order[1]);
  CHECK_FALSE(beside.spawner->busy());
}

TEST_CASE("spawn beside: the spawner does not go before its child has what it needs") {
  for (int i = 0; i < 20; ++i) {
    Beside beside;
    beside.spawn(direct("/bin/true"));
    const UniqueFd out = std::move(beside.out);
    beside.spawner.reset();
    CHECK(read_to_end(out.get()).empty());
  }
}
