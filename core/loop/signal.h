// Signal: runs a callback on the loop's thread each time the process gets the signal (several may
// be folded into one).
#pragma once

#include <functional>

#include "core/loop/handle.h"

namespace roost::loop {

class Signal {
 public:
  using Callback = std::function<void()>;

  // Watches at once and until destroyed. Does not keep anything else from happening: the default
  // action is replaced.
  Signal(Loop& loop, int signum, Callback callback);

 private:
  HandlePtr<uv_signal_t, Callback> block_;
};

}  // namespace roost::loop
