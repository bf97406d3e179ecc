#include "core/loop/worker.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <doctest/doctest.h>

#include "core/loop/loop.h"

using namespace roost;
using namespace roost::loop;

namespace {
// A door that work waits at until the test opens it.
class Door {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};
}  // namespace

TEST_CASE("worker: work runs elsewhere, done on the loop's thread") {
  Loop loop;
  Worker worker(loop, 8);
  const auto here = std::this_thread::get_id();
  std::thread::id worked;
  std::thread::id done;
  REQUIRE(worker.submit([&] { worked = std::this_thread::get_id(); },
                        [&] { done = std::this_thread::get_id(); }));
  REQUIRE(loop.run_until([&] { return done != std::thread::id(); }, 5s));
  CHECK(worked != here);
  CHECK(done == here);
  CHECK(worker.pending() == 0);
}

TEST_CASE("worker: refuses more than max_pending, and takes work again afterwards") {
  Loop loop;
  Worker worker(loop, 2);
  Door door;
  int done = 0;
  const auto submit = [&] { return worker.submit([&] { door.pass(); }, [&] { ++done; }); };
  REQUIRE(submit());
  REQUIRE(submit());
  const Status third = submit();
  REQUIRE_FALSE(third);
  CHECK(third.error().code == Errc::unavailable);
  door.open();
  REQUIRE(loop.run_until([&] { return done == 2; }, 5s));
  CHECK(submit());
  CHECK(loop.run_until([&] { return done == 3; }, 5s));
}

TEST_CASE("worker: destroyed while work runs, no done comes, and the loop waits for the work") {
  std::atomic<bool> finished{false};
  bool done = false;
  Door door;
  std::thread opener;
  {
    Loop loop;
    auto worker = std::make_unique<Worker>(loop, 8);
    for (int i = 0; i < 5; ++i) {
      REQUIRE(worker->submit(
          [&] {
            door.pass();
            finished = true;
          },
          [&] { done = true; }));
    }
    worker.reset();
    opener = std::thread([&] { door.open(); });
    CHECK_FALSE(loop.run_until([&] { return done; }, 20ms));
  }
  opener.join();
  CHECK_FALSE(done);
}
