// Worker: runs blocking functions off the loop, on libuv's pool of kThreads threads (one pool for
// the process).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "core/base/result.h"

namespace roost::loop {

class Loop;

class Worker {
 public:
  static constexpr int kThreads = 2;

  // max_pending: functions submitted and not done; submit() refuses more.
  Worker(Loop& loop, std::size_t max_pending);
  // Functions not begun are dropped; one that runs finishes (the Loop's destructor waits for it).
  // No `done` afterwards.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // `work` runs on a pool thread and must not touch the loop; then `done` runs on the loop's
  // thread. Exceptions of either end at the loop's handler; `done` is not called when `work` threw.
  // Errc::unavailable when max_pending are under way.
  Status submit(std::function<void()> work, std::function<void()> done);
  [[nodiscard]] std::size_t pending() const;

 private:
  struct Shared;
  struct Job;
  std::shared_ptr<Shared> shared_;
};

}  // namespace roost::loop
