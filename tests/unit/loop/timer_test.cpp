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
