// The instance machine, told as stories: ends, and what the restart policy and failures make of
// them.
#include "tests/unit/model/instance_story.h"

using namespace roost;
using namespace roost::model;
using namespace roost::model::story;

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

TEST_CASE("instance: a known cause of an exit stands in the place of its status") {
  const ExitStatus killed{ExitKind::signaled, 0, 9, false};
  Story s;
  s.up().feed({.kind = Kind::exited,
               .run = RunId{1},
               .status = killed,
               .ran_for = 5s,
               .error = "out of memory: over memory_max 64 MB"});
  s.tell(Kind::swept, 1);
  CHECK(s.state.reason.starts_with("out of memory: over memory_max 64 MB; "));
  s.tell(Kind::spawned, 2).die(2, kCode3, 5s);
  CHECK(s.state.reason.starts_with("exit code 3; "));
}
