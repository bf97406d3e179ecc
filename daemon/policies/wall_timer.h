// WallTimer: fires at a time of the wall clock, and tells when that clock was set. Loop thread.
#pragma once

#include <functional>
#include <optional>

#include "core/base/time.h"
#include "core/base/unique_fd.h"
#include "core/loop/poll.h"

namespace roost::daemon {

class WallTimer {
 public:
  enum class Cause : bool { due, clock_was_set };
  using Callback = std::function<void(Cause)>;

  WallTimer(loop::Loop& loop, Callback callback);

  // Arms, or arms anew. One that lies in the past fires in the next turn.
  void start(WallMs at);
  void cancel();

 private:
  void on_readable();

  loop::Loop& loop_;
  Callback callback_;
  UniqueFd fd_;  // made when it is first needed
  std::optional<loop::Poll> poll_;
};

}  // namespace roost::daemon
