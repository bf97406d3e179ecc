#include "core/loop/timer.h"

#include <memory>

#include <doctest/doctest.h>

#include "core/loop/loop.h"

using namespace roost;
using namespace roost::loop;

TEST_CASE(
    "timer: fires once, not before now() has advanced by the duration, rounded up to "
    "milliseconds") {
  Loop loop;
  int fired = 0;
  TimePoint at;
  Timer timer(loop, [&] {
    ++fired;
    at = loop.now();
  });
  const TimePoint start = loop.now();
  timer.start(1200us);
  CHECK(timer.active());
  REQUIRE(loop.run_until([&] { return fired > 0; }, 5s));
  CHECK(at - start >= 2ms);
  CHECK_FALSE(timer.active());
}

TEST_CASE("timer: cancelled it never fires, and can be started again") {
  Loop loop;
  int fired = 0;
  Timer timer(loop, [&] { ++fired; });
  timer.start(1ms);
  timer.cancel();
  CHECK_FALSE(timer.active());
  bool later = false;
  Timer other(loop, [&] { later = true; });
  other.start(10ms);
  REQUIRE(loop.run_until([&] { return later; }, 5s));
  CHECK(fired == 0);
  timer.start(0s);
  CHECK(loop.run_until([&] { return fired == 1; }, 5s));
}

TEST_CASE("timer: may start itself again in its callback") {
  Loop loop;
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&] {
    if (++fired < 3) timer->start(1ms);
  });
  timer->start(0s);
  CHECK(loop.run_until([&] { return fired == 3; }, 5s));
}

TEST_CASE("timer: may be destroyed in its own callback") {
  Loop loop;
  std::unique_ptr<Timer> timer;
  std::string touched_after = "callback state";
  bool done = false;
  timer = std::make_unique<Timer>(loop, [&, copy = std::string(100, 'x')] {
    timer.reset();
    touched_after = copy;  // lies in the block, which lives until the close callback
    done = true;
  });
  timer->start(0s);
  REQUIRE(loop.run_until([&] { return done; }, 5s));
  CHECK(touched_after.size() == 100);
}

TEST_CASE(
    "timer: one that is due in this turn is not called when a callback before it destroys it") {
  Loop loop;
  bool wrong = false;
  bool done = false;
  auto victim = std::make_unique<Timer>(loop, [&] { wrong = true; });
  Timer killer(loop, [&] {
    victim.reset();
    done = true;
  });
  killer.start(0s);
  victim->start(0s);
  REQUIRE(loop.run_until([&] { return done; }, 5s));
  CHECK_FALSE(wrong);
}

TEST_CASE("timer: a lazy one wakes nobody, and is due when the loop is awake") {
  Loop loop;
  bool fired = false;
  Timer lazy(loop, [&] { fired = true; });
  lazy.start_lazily(1ms, 1h);
  bool later = false;
  Timer other(loop, [&] { later = true; });
  other.start(20ms);
  REQUIRE(loop.run_until([&] { return fired; }, 5s));  // run_until's own timer wakes the loop
  CHECK_FALSE(lazy.active());
  lazy.start_lazily(1h, 1h);
  REQUIRE(loop.run_until([&] { return later; }, 5s));
  CHECK(lazy.active());
}

TEST_CASE("timer: a lazy one keeps its time while the loop is impatient") {
  Loop loop;
  bool fired = false;
  Timer lazy(loop, [&] {
    fired = true;
    loop.stop();
  });
  lazy.start_lazily(20ms, 1h);
  loop.set_patient(false);
  loop.run();
  CHECK(fired);
  fired = false;
  lazy.start_lazily(1ms, 1h);
  loop.run();
  CHECK(fired);
}

TEST_CASE("timer: a lazy one can be cancelled, started anew and destroyed") {
  Loop loop;
  int fired = 0;
  auto lazy = std::make_unique<Timer>(loop, [&] { ++fired; });
  lazy->start_lazily(0s, 1h);
  lazy->cancel();
  loop.set_patient(false);
  CHECK_FALSE(lazy->active());
  loop.set_patient(true);
  lazy->start_lazily(1h, 0s);
  lazy->start(0s);
  CHECK(loop.run_until([&] { return fired == 1; }, 5s));
  lazy->start_lazily(0s, 1h);
  lazy.reset();
  loop.set_patient(false);
}
