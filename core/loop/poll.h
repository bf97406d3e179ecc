// Poll: readiness of a descriptor, level-triggered, on the loop's thread. The descriptor is not
// owned; it is made non-blocking, must outlive start()…stop(), and may be closed right after stop()
// or the destructor. One Poll per descriptor at a time. Errors and hang-up are delivered as the
// events asked for, so that reading or writing shows them.
#pragma once

#include <functional>

#include "core/base/result.h"
#include "core/loop/handle.h"

namespace roost::loop {

class Poll {
 public:
  // A set of Events.
  using Callback = std::function<void(unsigned events)>;

  enum Events : unsigned { readable = UV_READABLE, writable = UV_WRITABLE };

  Poll(Loop& loop, int fd, Callback callback);

  // Watches for `events` (replacing the previous set). Fails for what cannot be polled (a regular
  // file), and for a descriptor that is watched already.
  Status start(unsigned events);
  void stop();

  [[nodiscard]] bool active() const { return block_ && block_->callback.wanted != 0; }

 private:
  struct State {
    Callback callback;
    unsigned wanted = 0;
  };

  static void on_event(uv_poll_t* handle, int status, int events);

  HandlePtr<uv_poll_t, State> block_;  // null when libuv refused the descriptor
  int init_error_ = 0;
};

}  // namespace roost::loop
