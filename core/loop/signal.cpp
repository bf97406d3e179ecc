#include "core/loop/signal.h"

#include <utility>

#include "core/base/check.h"
#include "core/loop/loop.h"

namespace roost::loop {

Signal::Signal(Loop& loop, int signum, Callback callback)
    : block_(make_handle<uv_signal_t, Callback>(loop, std::move(callback))) {
  uv_signal_init(loop.raw(), &block_->uv);
  const auto on_signal = [](uv_signal_t* handle, int) {
    auto* block = HandleBlock<uv_signal_t, Callback>::from(handle);
    block->loop->catch_up();
    if (!block->detached) block->loop->guarded("signal", block->callback);
  };
  (void)ROOST_EXPECT(uv_signal_start(&block_->uv, on_signal, signum) == 0,
                     "a signal that can be caught");
}

}  // namespace roost::loop
