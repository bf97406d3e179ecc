// Loop: one libuv loop and its thread's queues. Everything but post() and post_later() belongs to
// the thread that runs the loop.
//
// Order within a turn: timers, descriptors and signals, work finished elsewhere and posted
// functions; then what was deferred. The destructor lets handles finish closing and waits for
// functions still running on the Worker pool; a handle that somebody still owns then is a bug: the
// remaining handles are printed and the process aborts.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include <uv.h>

#include "core/base/time.h"
#include "core/base/unique_fd.h"

namespace roost::loop {

using Task = std::function<void()>;
// Which callback let an exception escape ("timer", "poll", …), and its what().
using ExceptionHandler = std::function<void(std::string_view component, std::string_view what)>;

class Loop {
 public:
  // Functions waiting in post(). Producers bound themselves (one pending delivery each); more than
  // this is a bug.
  static constexpr std::size_t kMaxPosted = 65'536;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop(); does not end by itself when nothing is left to do. Never from inside a
  // callback.
  void run();
  // Runs turns until done() is true, looked at after each turn; false if that took longer than
  // at_most.
  bool run_until(const std::function<bool()>& done, Duration at_most);
  // Ends run() after the present turn, deferred functions included.
  void stop();

  // Runs `task` at the end of this turn, after every callback of it; in order; also what a deferred
  // task defers.
  void defer(Task task);
  // From any thread: runs `task` on the loop's thread in one of the next turns, in order. Never
  // blocks. Tasks not yet run when the Loop is destroyed are dropped unrun; threads that
  // post must have ended by then.
  void post(Task task);
  // The same for what nobody waits for: the loop is not woken when it wakes by itself, for a timer,
  // within `patience`. The task comes before the callback of whatever wakes the loop, in order with
  // those of post(). While the loop is impatient, post().
  void post_later(Task task, Duration patience);

  // Runs `task` before the first callback after the next wait, or the one after that where
  // descriptors have just been added, or when somebody wakes the loop before; false, and nothing
  // done, while the loop is impatient. The loop's thread only.
  [[nodiscard]] bool at_next_wake(Task task);

  // Whether anything may be put off: false while somebody looks on. True at first.
  void set_patient(bool patient);

  [[nodiscard]] bool is_patient() const { return patient_; }

  // For the wrappers: what was put off runs before a callback is called, which may destroy its
  // handle.
  void catch_up();
  // For Timer: one that is armed for later than `due`, and fires then if the loop is awake.
  void add_lazy(uv_timer_t* timer, TimePoint due);
  void drop_lazy(uv_timer_t* timer);

  // Monotonic time of this turn, in whole milliseconds: stands still during a turn.
  [[nodiscard]] TimePoint now() const;

  [[nodiscard]] uv_loop_t* raw() { return &uv_; }

  // An eventfd: who writes 1 to it wakes the loop. For those who cannot post, such as a child
  // before exec.
  [[nodiscard]] int wake_descriptor() const { return wake_fd_.get(); }

  // How long one turn has kept everybody else waiting, time asleep left out.
  struct Lag {
    Duration recent{0};   // longest of the last 30 to 60 s
    Duration longest{0};  // since the loop began
  };

  [[nodiscard]] Lag lag() const { return {std::max(lag_before_, lag_now_), longest_}; }

  // Where exceptions that escape a callback are reported; the loop goes on. Without a handler:
  // stderr. Test builds (ROOST_KILL_POINTS) abort after the report.
  void set_exception_handler(ExceptionHandler handler) { on_exception_ = std::move(handler); }

  // The trampoline of all wrappers: calls `task`, lets no exception out. Returns false if one was
  // caught.
  bool guarded(std::string_view component, const std::function<void()>& task);

 private:
  void enqueue(Task task, Duration patience);
  void on_wake();
  bool run_posted();
  void begin_wait();
  void run_awaited();
  void hurry_lazy(TimePoint due_by);
  void before_wait();
  void run_deferred();
  void measure_turn();
  void report(std::string_view component, std::string_view what);

  uv_loop_t uv_{};
  UniqueFd wake_fd_;  // an eventfd: uv_async spins and yields for a sender it may have overtaken
  uv_poll_t wake_{};
  uv_prepare_t before_wait_{};
  uv_check_t after_wait_{};
  std::deque<Task> deferred_;
  std::vector<Task> for_next_wake_;
  std::vector<Task> awaited_;  // the same, of turns that ended
  std::unordered_map<uv_timer_t*, TimePoint> lazy_;
  TimePoint first_lazy_ = TimePoint::max();  // none is due before
  ExceptionHandler on_exception_;
  TimePoint turn_began_ = Monotonic::now();
  Duration asleep_{0};                   // in all, at turn_began_
  TimePoint lag_since_ = turn_began_;    // begin of the half minute of lag_now_
  Duration lag_now_{0}, lag_before_{0};  // longest turn of this half minute and of the one before
  Duration longest_{0};
  std::atomic<bool> patient_{true};
  std::atomic<bool> has_posted_{false};
  std::atomic<TimePoint> wakes_at_{TimePoint::min()};  // by itself; while awake: long ago
  std::mutex mutex_;
  std::deque<Task> posted_;  // guarded by mutex_, as
  bool woken_ = false;       // for posted_
};

}  // namespace roost::loop
