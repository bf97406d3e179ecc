#include "core/loop/poll.h"

#include <string>
#include <utility>

#include "core/loop/loop.h"

namespace roost::loop {

Poll::Poll(Loop& loop, int fd, Callback callback)
    : block_(make_handle<uv_poll_t, State>(loop, State{std::move(callback)})) {
  init_error_ = uv_poll_init(loop.raw(), &block_->uv, fd);
  if (init_error_ != 0) delete block_.release();  // never became a handle: nothing to close
}

Status Poll::start(unsigned events) {
  if (init_error_ != 0) return errno_error("watch a descriptor", -init_error_);
  if (events == 0) {
    stop();
    return ok();
  }
  const int rc = uv_poll_start(&block_->uv, static_cast<int>(events), on_event);
  if (rc != 0) return errno_error("watch a descriptor", -rc);
  block_->callback.wanted = events;
  return ok();
}

void Poll::stop() {
  if (!block_) return;
  block_->callback.wanted = 0;
  uv_poll_stop(&block_->uv);
}

void Poll::on_event(uv_poll_t* handle, int status, int events) {
  auto* block = HandleBlock<uv_poll_t, State>::from(handle);
  block->loop->catch_up();
  State& state = block->callback;
  if (block->detached || state.wanted == 0) return;
  // On an error condition libuv has stopped the handle. The owner learns of it by reading or
  // writing; until it stops watching, the condition is level-triggered like everything else.
  if (status < 0) uv_poll_start(handle, static_cast<int>(state.wanted), on_event);
  const unsigned seen = status < 0 ? state.wanted : static_cast<unsigned>(events);
  block->loop->guarded("poll", [&] { state.callback(seen); });
}

}  // namespace roost::loop
