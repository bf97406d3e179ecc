// Timer: one-shot, on the loop's thread. libuv counts whole milliseconds: shorter durations are
// rounded up, and it fires when Loop::now() has reached start + duration. May be started again,
// also in its own callback.
#pragma once

#include <functional>

#include "core/base/time.h"
#include "core/loop/handle.h"

namespace roost::loop {

class Timer {
 public:
  using Callback = std::function<void()>;

  Timer(Loop& loop, Callback callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Arms, or arms anew. A duration of zero or less fires in the next turn.
  void start(Duration after);
  // The same for what nobody waits for: the loop is not woken for it until `slack` later. When it
  // wakes for anything else it is due at its time, and so it is while the loop is impatient.
  void start_lazily(Duration after, Duration slack);
  void cancel();
  [[nodiscard]] bool active() const;

 private:
  HandlePtr<uv_timer_t, Callback> block_;
};

}  // namespace roost::loop
