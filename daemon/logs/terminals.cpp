#include "daemon/logs/terminals.h"

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>

#include "core/base/kill_point.h"

namespace roost::daemon {
namespace {

// The kernel gives no more of a terminal at once, and sees to pages for all that is asked for.
constexpr std::size_t kTerminalBytes = 4096;
constexpr int kEventsPerTurn = 64;

bool is_full(int pipe) {
  pollfd entry{pipe, POLLOUT, 0};
  return ::poll(&entry, 1, 0) == 0;
}

bool watch(int epoll, int fd, unsigned events, model::RunId run) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = raw(run);
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Status Terminals::start() {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  return epoll_ ? ok() : errno_error("log pump: epoll", errno);
}

void Terminals::work() {
  std::array<epoll_event, kEventsPerTurn> events{};
  const int ready = ::epoll_wait(epoll_.get(), events.data(), kEventsPerTurn, 0);
  for (int i = 0; i < ready; ++i)
    (void)move(model::RunId{events[static_cast<std::size_t>(i)].data.u64});
}

int Terminals::add(model::RunId run, UniqueFd& master, int pipe) {
  const std::string path = "/proc/self/fd/" + std::to_string(pipe);
  UniqueFd into(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!into || !watch(epoll_.get(), master.get(), EPOLLIN, run)) return errno;
  terminals_[run] = {std::move(master), std::move(into)};
  return 0;
}

std::size_t Terminals::move(model::RunId run) {
  const auto found = terminals_.find(run);
  if (found == terminals_.end()) return 0;
  Terminal& terminal = found->second;
  std::size_t moved = 0;
  while (moved < kMostAtOnce) {
    const ssize_t n = ::splice(terminal.master.get(), nullptr, terminal.into.get(), nullptr,
                               kTerminalBytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    kill_point("pump.fed");
    if (n > 0) {
      moved += static_cast<std::size_t>(n);
    } else if (n < 0 && errno == EAGAIN) {
      wait_for(run, terminal, is_full(terminal.into.get()));
      break;
    } else {
      const bool passes = n < 0 && (errno == EINTR || errno == ENOMEM);
      if (!passes) remove(run);  // EIO: nobody has it open any more
      break;
    }
  }
  return moved;
}

// Not both at once: an ended terminal would be reported as long as the pipe is full.
void Terminals::wait_for(model::RunId run, Terminal& terminal, bool room) const {
  if (std::exchange(terminal.waits, room) == room) return;
  const int before = room ? terminal.master.get() : terminal.into.get();
  const int after = room ? terminal.into.get() : terminal.master.get();
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, before, nullptr);
  (void)watch(epoll_.get(), after, room ? EPOLLOUT : EPOLLIN, run);  // the place of the other one
}

// Out of epoll first: the keeper holds the same terminal, which would go on raising events.
void Terminals::remove(model::RunId run) {
  const auto found = terminals_.find(run);
  if (found == terminals_.end()) return;
  const Terminal& terminal = found->second;
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL,
                    terminal.waits ? terminal.into.get() : terminal.master.get(), nullptr);
  terminals_.erase(found);
}

}  // namespace roost::daemon
