#include "daemon/policies/wall_timer.h"

#include <cerrno>
#include <cstdint>
#include <utility>

#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/log.h"

namespace roost::daemon {

WallTimer::WallTimer(loop::Loop& loop, Callback callback)
    : loop_(loop), callback_(std::move(callback)) {}

void WallTimer::start(WallMs at) {
  if (!fd_) {
    fd_.reset(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!fd_) return log_error("cron", errno_error("timerfd_create", errno).message);
    poll_.emplace(loop_, fd_.get(), [this](unsigned) { on_readable(); });
    (void)poll_->start(loop::Poll::readable);  // a timerfd can always be polled
  }
  itimerspec spec{};
  spec.it_value.tv_sec = at / 1000;
  spec.it_value.tv_nsec = at % 1000 * 1'000'000;
  if (at <= 0) spec.it_value = {.tv_sec = 0, .tv_nsec = 1};
  // ECANCELED: the clock was set before; the timer is armed all the same.
  const int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
  if (::timerfd_settime(fd_.get(), flags, &spec, nullptr) != 0 && errno != ECANCELED)
    log_error("cron", errno_error("timerfd_settime", errno).message);
}

void WallTimer::cancel() {
  const itimerspec none{};
  if (fd_) (void)::timerfd_settime(fd_.get(), 0, &none, nullptr);  // disarming cannot fail
}

void WallTimer::on_readable() {
  std::uint64_t times = 0;
  if (::read(fd_.get(), &times, sizeof times) == static_cast<ssize_t>(sizeof times))
    return callback_(Cause::due);
  if (errno == ECANCELED) callback_(Cause::clock_was_set);
}

}  // namespace roost::daemon
