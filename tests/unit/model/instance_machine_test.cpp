// The instance machine, told as stories. All its states are in instance_machine_walk_test.cpp, all
// its cells in instance_machine_table_test.cpp.
#include "core/model/instance_machine.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::model;
using Kind = Input::Kind;

namespace {

const ExitStatus kCode0{ExitKind::exited, 0, 0, false};
const ExitStatus kCode3{ExitKind::exited, 3, 0, false};
const ExitStatus kSegv{ExitKind::signaled, 0, 11, true};

constexpr Effect spawn(std::uint64_t run) {
  return {Effect::Kind::spawn, RunId{run}};
}

constexpr Effect term(std::uint64_t run) {
  return {Effect::Kind::signal_stop, RunId{run}};
}

constexpr Effect kill(std::uint64_t run) {
  return {Effect::Kind::signal_kill, RunId{run}};
}

constexpr Effect sweep(std::uint64_t run) {
  return {Effect::Kind::sweep, RunId{run}};
}

RestartPolicy without_autorestart() {
  RestartPolicy policy;
  policy.restart = RestartWhen::never;
  return policy;
}

// One instance, its clock, and what the last input asked for. Runs are numbered 1, 2, 3….
class Story {
 public:
  explicit Story(RestartPolicy policy = {}) : policy_(policy) {}

  Story& feed(Input input) {
    Step step =
        model::step(state, input, {.policy = policy_, .now = now_, .next_run = RunId{next_}});
    state = std::move(step.next);
    effects = std::move(step.effects);
    ignored = step.ignored;
    for (const Effect& effect : effects)
      if (effect.kind == Effect::Kind::spawn) ++next_;
    CHECK(broken_invariant(state) == "");
    return *this;
  }

  // It was seen to work for so long, and does not any more.
  Story& break_down(std::uint64_t run, Duration worked_for = 0s) {
    return feed({.kind = Kind::fail,
                 .run = RunId{run},
                 .ran_for = worked_for,
                 .error = "not ready within 3s"});
  }

  Story& ask(Kind kind) { return feed({.kind = kind}); }

  Story& tell(Kind kind, std::uint64_t run) { return feed({.kind = kind, .run = RunId{run}}); }

  Story& exit(std::uint64_t run, ExitStatus status, Duration ran_for = 0s) {
    now_ += ran_for;
    return feed({.kind = Kind::exited, .run = RunId{run}, .status = status, .ran_for = ran_for});
  }

  // The run dies and leaves nothing behind.
  Story& die(std::uint64_t run, ExitStatus status, Duration ran_for = 0s) {
    return exit(run, status, ran_for).tell(Kind::swept, run);
  }

  Story& fail(std::uint64_t run, bool transient = false) {
    return feed({.kind = Kind::spawn_failed,
                 .run = RunId{run},
                 .error = "exec '/srv/app': no such file",
                 .transient = transient});
  }

  // Started and proved.
  Story& up() { return ask(Kind::start).tell(Kind::spawned, 1).tell(Kind::ready, 1); }

  [[nodiscard]] State shown() const { return state_of(state); }

  InstanceState state;
  std::vector<Effect> effects;
  bool ignored = false;

 private:
  RestartPolicy policy_;
  std::uint64_t next_ = 1;
  TimePoint now_ = from_ns(1'000'000'000'000);
};

using Effects = std::vector<Effect>;

}  // namespace

TEST_CASE(
    "instance: a start spawns a run, which launches and is online once it has proved itself") {
  Story s;
  s.ask(Kind::start);
  CHECK(s.effects == Effects{spawn(1)});
  CHECK(s.shown() == State::launching);
  s.tell(Kind::spawned, 1);
  CHECK(timer_of(*s.state.current) == TimerKind::ready);
  s.tell(Kind::ready, 1);
  CHECK(s.shown() == State::online);
  CHECK(s.effects.empty());
  CHECK(s.state.restarts == 0);
}

TEST_CASE("instance: starting what runs changes nothing") {
  Story s;
  s.up().ask(Kind::start);
  CHECK(s.effects.empty());
  CHECK(s.state.current->id == RunId{1});
}

TEST_CASE("instance: a crash is swept first, then a new run starts at once") {
  Story s;
  s.up().exit(1, kSegv, 5s);
  CHECK(s.effects == Effects{sweep(1)});
  CHECK(s.shown() == State::stopping);
  s.tell(Kind::swept, 1);
  CHECK(s.effects == Effects{spawn(2)});
  CHECK(s.state.reason == "SIGSEGV (core dumped); restarting at once");
  CHECK(s.state.restarts == 1);
  CHECK(s.state.quick_exits == 0);
}

TEST_CASE("instance: quick crashes empty the budget, and the instance waits with its reason") {
  Story s;
  s.ask(Kind::start).tell(Kind::spawned, 1).die(1, kCode3);
  s.tell(Kind::spawned, 2).die(2, kCode3);
  s.tell(Kind::spawned, 3).die(3, kCode3);
  CHECK(s.shown() == State::waiting);
  CHECK(s.effects.empty());
  CHECK(s.state.reason == "3 exits within 1s of start; next try in 100ms");
  CHECK(s.state.backoff == 100ms);
  CHECK(s.state.quick_exits == 3);
  s.ask(Kind::backoff_timer);
  CHECK(s.effects == Effects{spawn(4)});
}

TEST_CASE("instance: a stop while spawning waits for the pid, then signals") {
  Story s;
  s.ask(Kind::start).ask(Kind::stop);
  CHECK(s.effects.empty());
  s.tell(Kind::spawned, 1);
  CHECK(s.effects == Effects{term(1)});
  CHECK(s.shown() == State::stopping);
  s.die(1, kSegv);
  CHECK(s.shown() == State::stopped);
  CHECK(s.state.reason == "stopped by request");
  CHECK(s.state.quick_exits == 0);
}

TEST_CASE("instance: a stop while spawning is done when the spawn fails") {
  Story s;
  s.ask(Kind::start).ask(Kind::stop).fail(1);
  CHECK(s.shown() == State::stopped);
  CHECK(s.effects.empty());
}

TEST_CASE("instance: a restart while launching ends the run and starts the next") {
  Story s;
  s.ask(Kind::start).tell(Kind::spawned, 1).ask(Kind::restart);
  CHECK(s.effects == Effects{term(1)});
  s.die(1, kCode0, 100ms);
  CHECK(s.effects == Effects{spawn(2)});
  CHECK(s.state.restarts == 1);
  CHECK(s.state.quick_exits == 0);
}

TEST_CASE("instance: a stop during the sweep of a crash means that no run follows") {
  Story s;
  s.up().exit(1, kCode3, 5s).ask(Kind::stop);
  CHECK(s.effects.empty());
  s.tell(Kind::swept, 1);
  CHECK(s.shown() == State::stopped);
  CHECK(s.effects.empty());
}

TEST_CASE("instance: a start during a stop takes effect when the old run is over") {
  Story s;
  s.up().ask(Kind::stop).ask(Kind::start);
  CHECK(s.effects.empty());
  s.die(1, kCode0, 5s);
  CHECK(s.effects == Effects{spawn(2)});
}

TEST_CASE("instance: what ignores the stop signal is killed when the kill timer fires") {
  Story s;
  s.up().ask(Kind::stop);
  CHECK(s.effects == Effects{term(1)});
  CHECK(timer_of(*s.state.current) == TimerKind::kill);
  s.tell(Kind::kill_timer, 1);
  CHECK(s.effects == Effects{kill(1)});
  CHECK_FALSE(timer_of(*s.state.current).has_value());
  s.exit(1, {ExitKind::signaled, 0, 9, false}, 5s);
  CHECK(s.effects == Effects{sweep(1)});
  s.tell(Kind::swept, 1);
  CHECK(s.shown() == State::stopped);
}

TEST_CASE("instance: ready comes too late for a run that is stopping, harmlessly") {
  Story s;
  s.ask(Kind::start).tell(Kind::spawned, 1).ask(Kind::stop).tell(Kind::ready, 1);
  CHECK_FALSE(s.ignored);
  CHECK(s.shown() == State::stopping);
}

TEST_CASE("instance: a late message of an earlier run is ignored") {
  Story s;
  s.up().die(1, kCode3, 5s).tell(Kind::ready, 1);
  CHECK(s.ignored);
  CHECK(s.state.current->id == RunId{2});
}

TEST_CASE(
    "instance: replace lets the predecessor serve until its successor is ready, then ends it") {
  Story s;
  s.up().ask(Kind::replace);
  CHECK(s.effects == Effects{spawn(2)});
  CHECK(s.state.retiring->phase == Phase::online);
  s.tell(Kind::spawned, 2);
  CHECK(s.effects.empty());
  s.tell(Kind::ready, 2);
  CHECK(s.effects == Effects{term(1)});
  CHECK(s.shown() == State::online);
  s.exit(1, kCode0, 60s);
  CHECK(s.effects == Effects{sweep(1)});
  s.tell(Kind::swept, 1);
  CHECK_FALSE(s.state.retiring.has_value());
  CHECK(s.state.current->id == RunId{2});
}

TEST_CASE("instance: a successor that dies before it is ready is rolled back") {
  Story s;
  s.up().ask(Kind::replace).tell(Kind::spawned, 2).die(2, kCode3, 200ms);
  CHECK(s.effects.empty());
  CHECK(s.shown() == State::online);
  CHECK(s.state.current->id == RunId{1});
  CHECK_FALSE(s.state.retiring.has_value());
  CHECK(s.state.reason == "new run failed (exit code 3); the previous one serves on");
}

TEST_CASE(
    "instance: a successor that cannot be spawned is rolled back, for lack of resources too") {
  for (const bool transient : {false, true}) {
    Story s;
    s.up().ask(Kind::replace).fail(2, transient);
    CHECK(s.shown() == State::online);
    CHECK(s.state.current->id == RunId{1});
    CHECK(s.state.reason ==
          "new run failed (exec '/srv/app': no such file); the previous one serves on");
  }
}

TEST_CASE(
    "instance: if the predecessor dies while its successor launches, the successor is alone") {
  Story s;
  s.up().ask(Kind::replace).tell(Kind::spawned, 2).die(1, kSegv, 60s);
  CHECK(s.shown() == State::launching);
  CHECK_FALSE(s.state.retiring.has_value());
  s.die(2, kCode3, 200ms);
  CHECK(s.effects == Effects{spawn(3)});
}

TEST_CASE("instance: a second replace ends the unproved successor, and the predecessor serves on") {
  Story s;
  s.up().ask(Kind::replace).tell(Kind::spawned, 2).ask(Kind::replace);
  CHECK(s.effects == Effects{term(2)});
  s.die(2, kCode0, 200ms);
  CHECK(s.effects == Effects{spawn(3)});
  CHECK(s.state.retiring->phase == Phase::online);
}

TEST_CASE("instance: a replace while the predecessor still ends is refused") {
  Story s;
  s.up().ask(Kind::replace).tell(Kind::spawned, 2).tell(Kind::ready, 2).ask(Kind::replace);
  CHECK(s.ignored);
  CHECK(s.shown() == State::online);
}

TEST_CASE(
    "instance: a stop in the middle of a replace ends both, and stopped means both are gone") {
  Story s;
  s.up().ask(Kind::replace).ask(Kind::stop);
  CHECK(s.effects == Effects{term(1)});
  s.fail(2);
  CHECK(s.shown() == State::stopping);
  s.die(1, kCode0, 60s);
  CHECK(s.shown() == State::stopped);
}

TEST_CASE("instance: max_restarts ends in errored, and a start counts from zero again") {
  Story s({.max_restarts = 1});
  s.ask(Kind::start).tell(Kind::spawned, 1).die(1, kCode3);
  s.tell(Kind::spawned, 2).die(2, kCode3);
  CHECK(s.shown() == State::errored);
  CHECK(s.state.desired == Desired::up);
  CHECK(s.state.reason == "max_restarts 1 reached: 2 unhealthy exits in a row");
  s.ask(Kind::start);
  CHECK(s.effects == Effects{spawn(3)});
  CHECK(s.state.tracker.memory().streak == 0);
}

TEST_CASE("instance: without autorestart exit code 0 means stopped and code 3 means errored") {
  for (const bool success : {true, false}) {
    Story s(without_autorestart());
    s.up().die(1, success ? kCode0 : kCode3, 5s);
    CHECK(s.shown() == (success ? State::stopped : State::errored));
    CHECK(s.state.desired == Desired::down);
    CHECK(s.effects.empty());
  }
}

TEST_CASE(
    "instance: a spawn that fails for lack of resources is tried again and counts for nothing") {
  Story s({.max_restarts = 0});
  s.ask(Kind::start).fail(1, true);
  CHECK(s.shown() == State::waiting);
  CHECK(s.state.backoff == 1s);
  CHECK(s.state.quick_exits == 0);
  CHECK(s.state.reason == "exec '/srv/app': no such file; next try in 1s");
}

TEST_CASE("instance: a spawn that fails for good says why") {
  Story s(without_autorestart());
  s.ask(Kind::start).fail(1);
  CHECK(s.shown() == State::errored);
  CHECK(s.state.reason == "exec '/srv/app': no such file; autorestart is off");
}

TEST_CASE("instance: a run that is never ready is ended and counts as a quick exit") {
  Story s;
  s.ask(Kind::start).tell(Kind::spawned, 1).break_down(1);
  CHECK(s.effects == Effects{term(1)});
  CHECK(s.shown() == State::stopping);
  CHECK(s.state.reason == "not ready within 3s");
  CHECK(timer_of(*s.state.current) == TimerKind::kill);
  s.die(1, kCode0, 10s);
  CHECK(s.effects == Effects{spawn(2)});
  CHECK(s.state.reason == "not ready within 3s; restarting at once");
  CHECK(s.state.quick_exits == 1);
}

TEST_CASE("instance: a run that does not work any more has failed, whatever its exit code") {
  Story s(without_autorestart());
  s.up().break_down(1, 2min).die(1, kCode0, 3min);
  CHECK(s.shown() == State::errored);
  CHECK(s.state.reason == "not ready within 3s; autorestart is off");
  CHECK(s.state.quick_exits == 0);
}

TEST_CASE("instance: a stop of a run that is being ended for a failure is a stop") {
  Story s;
  s.up().break_down(1, 2min).ask(Kind::stop);
  CHECK(s.effects.empty());
  s.die(1, kSegv, 0s);
  CHECK(s.shown() == State::stopped);
}

TEST_CASE("instance: a successor that is never ready gives way to its predecessor") {
  Story s;
  s.up().ask(Kind::replace).tell(Kind::spawned, 2).break_down(2).die(2, kCode0);
  CHECK(s.shown() == State::online);
  CHECK(s.state.current->id == RunId{1});
  CHECK(s.state.reason == "new run failed (not ready within 3s); the previous one serves on");
}

TEST_CASE("instance: a code of stop_exit_codes means stopped, and a restart tells what it is for") {
  static const std::vector<std::int32_t> codes{3};
  RestartPolicy policy;
  policy.stop_exit_codes = codes;
  Story s(policy);
  s.ask(Kind::start).feed({.kind = Kind::spawned, .run = RunId{1}});
  s.feed({.kind = Kind::restart, .error = "app.js changed"});
  CHECK(s.effects == std::vector{term(1)});
  s.feed({.kind = Kind::exited, .run = RunId{1}, .status = kCode3, .ran_for = 5s});
  s.feed({.kind = Kind::swept, .run = RunId{1}});
  CHECK(s.state.reason == "app.js changed");
  CHECK(s.effects == std::vector{spawn(2)});
  s.feed({.kind = Kind::spawned, .run = RunId{2}});
  s.feed({.kind = Kind::exited, .run = RunId{2}, .status = kCode3, .ran_for = 5s});
  s.feed({.kind = Kind::swept, .run = RunId{2}});
  CHECK(s.state.desired == Desired::down);
  CHECK(s.state.rest == Rest::stopped);
  CHECK(s.state.reason == "exit code 3; one of stop_exit_codes");
}

TEST_CASE(
    "instance: what has finished by itself may be started by a schedule, what was stopped may "
    "not") {
  Story s(without_autorestart());
  s.ask(Kind::start).feed({.kind = Kind::spawned, .run = RunId{1}});
  CHECK(is_wanted(s.state));
  s.feed({.kind = Kind::exited, .run = RunId{1}, .status = kCode0, .ran_for = 5s});
  s.feed({.kind = Kind::swept, .run = RunId{1}});
  CHECK(s.state.desired == Desired::down);
  CHECK(is_wanted(s.state));
  s.feed({.kind = Kind::restart, .error = "cron_restart @daily"});
  CHECK(s.effects == std::vector{spawn(2)});
  CHECK_FALSE(s.state.finished);
  s.feed({.kind = Kind::spawned, .run = RunId{2}});
  s.feed({.kind = Kind::exited, .run = RunId{2}, .status = kCode0, .ran_for = 5s});
  s.feed({.kind = Kind::swept, .run = RunId{2}});
  s.ask(Kind::stop);
  CHECK_FALSE(is_wanted(s.state));
}
