#include "core/loop/loop.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <string>
#include <utility>

#include <sys/eventfd.h>

#include "core/base/check.h"
#include "core/loop/timer.h"
#include "core/loop/worker.h"

namespace roost::loop {
namespace {
template <class Handle>
void close_now(Handle* handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
}
}  // namespace

Loop::Loop() {
  uv_os_setenv("UV_THREADPOOL_SIZE", std::to_string(Worker::kThreads).c_str());
  ROOST_CHECK(uv_loop_init(&uv_) == 0, "no event loop without epoll");
  uv_.data = this;
  uv_loop_configure(&uv_, UV_METRICS_IDLE_TIME);
  wake_fd_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  ROOST_CHECK(wake_fd_ && uv_poll_init(&uv_, &wake_, wake_fd_.get()) == 0,
              "no event loop without its wake-up");
  uv_poll_start(&wake_, UV_READABLE, [](uv_poll_t* handle, int, int) {
    static_cast<Loop*>(handle->loop->data)->on_wake();
  });
  // Timers run before the wait, descriptors after it: the end of a turn is looked after on both
  // sides of it.
  uv_prepare_init(&uv_, &before_wait_);
  uv_check_init(&uv_, &after_wait_);
  uv_prepare_start(&before_wait_, [](uv_prepare_t* handle) {
    static_cast<Loop*>(handle->loop->data)->before_wait();
  });
  uv_check_start(&after_wait_, [](uv_check_t* handle) {
    Loop& self = *static_cast<Loop*>(handle->loop->data);
    self.wakes_at_ = TimePoint::min();
    self.run_awaited();
    self.run_deferred();
    self.measure_turn();
  });
}

Loop::~Loop() {
  deferred_.clear();
  {
    const std::lock_guard lock(mutex_);
    posted_.clear();
  }
  close_now(&wake_);
  close_now(&before_wait_);
  close_now(&after_wait_);
  // Ends when every handle is closed and work on the pool is done. A handle that is still owned
  // would keep it for ever: the two turns that do not wait show whether there is one.
  uv_run(&uv_, UV_RUN_NOWAIT);
  while (uv_loop_alive(&uv_) != 0 && uv_.active_reqs.count != 0)
    uv_run(&uv_, UV_RUN_ONCE);
  uv_run(&uv_, UV_RUN_NOWAIT);
  if (uv_loop_close(&uv_) == 0) return;
  std::fputs("loop destroyed while handles are owned:\n", stderr);
  uv_print_all_handles(&uv_, stderr);
  std::abort();
}

void Loop::run() {
  uv_run(&uv_, UV_RUN_DEFAULT);
}

bool Loop::run_until(const std::function<bool()>& done, Duration at_most) {
  const auto deadline = Monotonic::now() + at_most;
  // Always armed: it may fire before the wait of the same turn, which would then last for ever.
  Timer tick(*this, [&tick] { tick.start(10ms); });
  tick.start(10ms);
  while (!done()) {
    if (Monotonic::now() >= deadline) return false;
    uv_run(&uv_, UV_RUN_ONCE);
  }
  return true;
}

void Loop::stop() {
  uv_stop(&uv_);
}

void Loop::defer(Task task) {
  deferred_.push_back(std::move(task));
}

void Loop::post(Task task) {
  enqueue(std::move(task), Duration::zero());
}

void Loop::post_later(Task task, Duration patience) {
  enqueue(std::move(task), patient_ ? patience : Duration::zero());
}

bool Loop::at_next_wake(Task task) {
  if (!patient_) return false;
  for_next_wake_.push_back(std::move(task));
  return true;
}

// The loop publishes when it will wake and then looks at the queue; here the queue is filled and
// then that time is read: one of the two sees the other.
void Loop::enqueue(Task task, Duration patience) {
  {
    const std::lock_guard lock(mutex_);
    (void)ROOST_EXPECT(posted_.size() < kMaxPosted, "a producer posts without limit");
    posted_.push_back(std::move(task));
    has_posted_ = true;
    if (woken_) return;
    if (patience > Duration::zero() && wakes_at_.load() <= Monotonic::now() + patience) return;
    woken_ = true;
  }
  (void)::eventfd_write(wake_fd_.get(), 1);  // outside, or the woken thread would wait for the lock
}

TimePoint Loop::now() const {
  return TimePoint(std::chrono::milliseconds(uv_now(&uv_)));
}

void Loop::on_wake() {
  eventfd_t count = 0;
  (void)::eventfd_read(wake_fd_.get(), &count);  // before the queue, or a wake-up would be lost
  begin_wait();  // whoever rings means the next wake, though it came before the wait
  run_awaited();
  run_posted();
  if (first_lazy_ <= now()) hurry_lazy(now());
}

void Loop::catch_up() {
  run_awaited();
  if (has_posted_.load(std::memory_order_relaxed)) run_posted();
  if (first_lazy_ <= now()) hurry_lazy(now());
}

void Loop::set_patient(bool patient) {
  patient_ = patient;
  if (!patient) hurry_lazy(TimePoint::max());
}

void Loop::add_lazy(uv_timer_t* timer, TimePoint due) {
  lazy_[timer] = due;
  first_lazy_ = std::min(first_lazy_, due);
}

void Loop::drop_lazy(uv_timer_t* timer) {
  if (!lazy_.empty()) lazy_.erase(timer);
}

void Loop::hurry_lazy(TimePoint due_by) {
  first_lazy_ = TimePoint::max();
  for (auto it = lazy_.begin(); it != lazy_.end();) {
    const auto [timer, due] = *it;
    if (due > due_by) {
      first_lazy_ = std::min(first_lazy_, due);
      ++it;
      continue;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(due - now());
    uv_timer_start(timer, timer->timer_cb, static_cast<std::uint64_t>(std::max(left, 0ms).count()),
                   0);
    it = lazy_.erase(it);
  }
}

bool Loop::run_posted() {
  std::deque<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
    has_posted_ = woken_ = false;
  }
  for (Task& task : tasks)
    guarded("posted", task);
  return !tasks.empty();
}

void Loop::begin_wait() {
  std::move(for_next_wake_.begin(), for_next_wake_.end(), std::back_inserter(awaited_));
  for_next_wake_.clear();
}

void Loop::run_awaited() {
  if (awaited_.empty()) return;
  for (const Task& task : std::exchange(awaited_, {}))
    guarded("awaited", task);
}

void Loop::before_wait() {
  int left = 0;  // 0 also where libuv cannot tell yet, or only looks
  do {
    run_deferred();
    left = uv_backend_timeout(&uv_);
    wakes_at_ = left <= 0 ? TimePoint::max() : Monotonic::now() + std::chrono::milliseconds(left);
  } while (has_posted_ && run_posted());
  if (left == 0) return;
  begin_wait();
}

void Loop::run_deferred() {
  while (!deferred_.empty()) {
    Task task = std::move(deferred_.front());
    deferred_.pop_front();
    guarded("deferred", task);
  }
}

void Loop::measure_turn() {
  constexpr Duration kWindow = 30s;
  const TimePoint now = Monotonic::now();
  const Duration asleep = std::chrono::nanoseconds(uv_metrics_idle_time(&uv_));
  const Duration turn = (now - turn_began_) - (asleep - asleep_);
  turn_began_ = now;
  asleep_ = asleep;
  if (now - lag_since_ > kWindow) {
    lag_before_ = now - lag_since_ > 2 * kWindow ? Duration{0} : lag_now_;
    lag_now_ = Duration{0};
    lag_since_ = now;
  }
  lag_now_ = std::max(lag_now_, turn);
  longest_ = std::max(longest_, turn);
}

bool Loop::guarded(std::string_view component, const std::function<void()>& task) {
  try {
    task();
    return true;
  } catch (const std::exception& e) {
    report(component, e.what());
  } catch (...) {
    report(component, "unknown exception");
  }
  return false;
}

void Loop::report(std::string_view component, std::string_view what) {
  if (on_exception_) {
    on_exception_(component, what);
  } else {
    std::fprintf(stderr, "exception in a %.*s callback: %.*s\n", static_cast<int>(component.size()),
                 component.data(), static_cast<int>(what.size()), what.data());
  }
#ifdef ROOST_KILL_POINTS
  std::abort();
#endif
}

}  // namespace roost::loop
