#include "core/loop/loop.h"

#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/loop/signal.h"
#include "core/loop/timer.h"

using namespace roost;
using namespace roost::loop;

TEST_CASE("loop: posted functions of other threads all run, each thread's in order") {
  constexpr int kThreads = 4;
  constexpr int kEach = 2000;
  Loop loop;
  std::vector<int> last(kThreads, 0);
  int ran = 0;
  bool ordered = true;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 1; i <= kEach; ++i) {
        loop.post([&, t, i] {
          ordered = ordered && i == last[static_cast<std::size_t>(t)] + 1;
          last[static_cast<std::size_t>(t)] = i;
          if (++ran == kThreads * kEach) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (auto& thread : threads)
    thread.join();
  CHECK(ran == kThreads * kEach);
  CHECK(ordered);
}

TEST_CASE("loop: what can wait comes with the next wake-up, before its callback and in order") {
  Loop loop;
  std::string order;
  Timer timer(loop, [&] { order += "t"; });
  timer.start(200ms);
  std::thread other([&] {
    loop.post_later([&] { order += "a"; }, 10s);
    loop.post_later([&] { order += "b"; }, 10s);
  });
  REQUIRE(loop.run_until([&] { return order.find('t') != order.npos; }, 5s));
  other.join();
  CHECK(order == "abt");
}

TEST_CASE(
    "loop: who cannot wait long enough wakes the loop, and so does everybody when it is "
    "impatient") {
  Loop loop;
  Timer far(loop, [] {});
  far.start(std::chrono::hours(1));
  for (const bool patient : {true, false}) {
    loop.set_patient(patient);
    std::thread other([&] {
      loop.post_later([&loop] { loop.stop(); }, patient ? Duration(1min) : Duration(2h));
    });
    loop.run();  // would sleep for an hour
    other.join();
  }
}

TEST_CASE("loop: what was put off is not forgotten when the loop goes to sleep at that moment") {
  constexpr int kEach = 3000;
  Loop loop;
  int ran = 0;
  Timer far(loop, [] {});
  far.start(std::chrono::hours(1));
  std::thread other([&] {
    for (int i = 0; i < kEach; ++i)
      loop.post_later(
          [&] {
            if (++ran == kEach) loop.stop();
          },
          i % 2 == 0 ? 1min : 1ms);
  });
  loop.run();
  other.join();
  CHECK(ran == kEach);
}

TEST_CASE("loop: what is for the next wake comes first in it, and not before a wait") {
  Loop loop;
  std::string order;
  Timer second(loop, [&] { order += "t"; });
  Timer first(loop, [&] {
    REQUIRE(loop.at_next_wake([&] { order += "w"; }));
    {
      const Timer gone(loop, [] {});
    }  // a turn without a wait follows
    loop.defer([&] { order += "d"; });
    second.start(20ms);
  });
  first.start(0s);
  REQUIRE(loop.run_until([&] { return order.find('t') != order.npos; }, 5s));
  CHECK(order == "dwt");
  loop.set_patient(false);
  CHECK_FALSE(loop.at_next_wake([&] { order += "never"; }));
}

TEST_CASE("loop: whoever has its descriptor can wake it") {
  Loop loop;
  bool woken = false;
  Timer far(loop, [] {});
  far.start(std::chrono::hours(1));
  REQUIRE(loop.at_next_wake([&] {
    woken = true;
    loop.stop();
  }));
  const int bell = loop.wake_descriptor();
  std::thread other([bell] {
    const std::uint64_t once = 1;
    CHECK(::write(bell, &once, sizeof once) == sizeof once);
  });
  loop.run();
  other.join();
  CHECK(woken);
}

TEST_CASE("loop: deferred functions run after the callbacks of the turn, also those they defer") {
  Loop loop;
  std::string order;
  Timer first(loop, [&] {
    loop.defer([&] {
      order += "c";
      loop.defer([&] { order += "d"; });
    });
    order += "a";
  });
  Timer second(loop, [&] { order += "b"; });
  first.start(0s);
  second.start(0s);
  REQUIRE(loop.run_until([&] { return order.size() == 4; }, 5s));
  CHECK(order == "abcd");
}

TEST_CASE("loop: stop() in a callback ends run() with the deferred functions run") {
  Loop loop;
  bool deferred = false;
  loop.post([&] {
    loop.defer([&] { deferred = true; });
    loop.stop();
  });
  loop.run();
  CHECK(deferred);
}

TEST_CASE("loop: now() stands still during a turn and never runs ahead of the clock") {
  Loop loop;
  bool still = false;
  loop.post([&] {
    const TimePoint before = loop.now();
    const auto until = Monotonic::now() + 5ms;
    while (Monotonic::now() < until) {
    }
    still = loop.now() == before && before <= Monotonic::now();
    loop.stop();
  });
  loop.run();
  CHECK(still);
}

TEST_CASE("loop: tasks posted and never run are dropped with the loop") {
  auto token = std::make_shared<int>(1);
  {
    Loop loop;
    loop.post([token] {});
    CHECK(token.use_count() == 2);
  }
  CHECK(token.use_count() == 1);
}

TEST_CASE("loop: a signal reaches its callback") {
  Loop loop;
  int seen = 0;
  Signal usr1(loop, SIGUSR1, [&] { ++seen; });
  ::kill(::getpid(), SIGUSR1);
  CHECK(loop.run_until([&] { return seen == 1; }, 5s));
}

namespace {
// Runs `body` in a child whose stderr is closed; returns its wait status.
template <class Body>
int status_of(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(STDERR_FILENO);
    ::signal(SIGABRT, SIG_DFL);
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}
}  // namespace

TEST_CASE("loop: destroyed while a handle is owned, it aborts") {
  const int status = status_of([] {
    auto* loop = new Loop;
    Timer leaked(*loop, [] {});
    delete loop;
  });
  CHECK(WIFSIGNALED(status));
}

#ifdef ROOST_KILL_POINTS
TEST_CASE("loop: an exception in a callback is reported, and aborts test builds") {
  int report[2];
  REQUIRE(::pipe(report) == 0);
  const int status = status_of([&] {
    Loop loop;
    loop.set_exception_handler([&](std::string_view component, std::string_view what) {
      const std::string text = std::string(component) + ": " + std::string(what);
      (void)!::write(report[1], text.data(), text.size());  // the reader checks what came
    });
    loop.post([] { throw std::runtime_error("boom"); });
    loop.run();
  });
  ::close(report[1]);
  char text[64] = {};
  (void)!::read(report[0], text, sizeof text - 1);  // nothing read leaves it empty
  ::close(report[0]);
  CHECK(WIFSIGNALED(status));
  CHECK(std::string(text) == "posted: boom");
}
#endif
