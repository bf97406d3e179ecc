#include "core/loop/timer.h"

#include <chrono>
#include <utility>

#include "core/loop/loop.h"

namespace roost::loop {
namespace {
using Block = HandleBlock<uv_timer_t, Timer::Callback>;

void on_timeout(uv_timer_t* handle) {
  Block* block = Block::from(handle);
  block->loop->drop_lazy(handle);
  block->loop->catch_up();
  if (!block->detached) block->loop->guarded("timer", block->callback);
}

std::uint64_t whole_ms(Duration after) {
  if (after <= Duration::zero()) return 0;
  return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(after).count());
}
}  // namespace

Timer::Timer(Loop& loop, Callback callback)
    : block_(make_handle<uv_timer_t, Callback>(loop, std::move(callback))) {
  uv_timer_init(loop.raw(), &block_->uv);
}

Timer::~Timer() {
  block_->loop->drop_lazy(&block_->uv);
}

void Timer::start(Duration after) {
  block_->loop->drop_lazy(&block_->uv);
  uv_timer_start(&block_->uv, on_timeout, whole_ms(after), 0);
}

void Timer::start_lazily(Duration after, Duration slack) {
  Loop& loop = *block_->loop;
  if (!loop.is_patient()) return start(after);
  start(after + slack);
  loop.add_lazy(&block_->uv, loop.now() + after);
}

void Timer::cancel() {
  block_->loop->drop_lazy(&block_->uv);
  uv_timer_stop(&block_->uv);
}

bool Timer::active() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(&block_->uv)) != 0;
}

}  // namespace roost::loop
