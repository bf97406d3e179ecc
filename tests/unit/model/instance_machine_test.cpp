// The instance machine, told as stories; its ends by the restart policy are in
// instance_ending_test.cpp, all its states in instance_machine_walk_test.cpp, all its cells in
// instance_machine_table_test.cpp.
#include "tests/unit/model/instance_story.h"

using namespace roost;
using namespace roost::model;
using namespace roost::model::story;

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
