#include "daemon/logs/terminals.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>

#include "core/base/kill_point.h"

namespace roost::daemon {
namespace {

// The kernel gives no more of a terminal at once, and sees to pages for all that is asked for.
constexpr std::size_t kTerminalBytes = 4096;
constexpr int kEventsPerTurn = 64;

constexpr Duration kFirstPause = 1ms;
constexpr Duration kLongestPause = 500ms;

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
  terminals_[run] = {.master = std::move(master), .into = std::move(into)};
  return 0;
}

std::size_t Terminals::move(model::RunId run) {
  const auto found = terminals_.find(run);
  return found == terminals_.end() ? 0 : move(found);
}

// What was written just before the last close may come after EIO: the kernel looks for output
// first, and whether the other end is closed then. The second one in a row is the end.
std::size_t Terminals::move(Found found) {
  const Terminal& terminal = found->second;
  std::size_t moved = 0;
  bool again = true;
  while (moved < kMostAtOnce) {
    const ssize_t n = ::splice(terminal.master.get(), nullptr, terminal.into.get(), nullptr,
                               kTerminalBytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    kill_point("pump.fed");
    if (n > 0) {
      moved += static_cast<std::size_t>(n);
      again = true;
    } else if (n < 0 && errno == EAGAIN) {
      wait_for(found,
               is_full(terminal.into.get()) ? Terminal::Waits::room : Terminal::Waits::output);
      break;
    } else if (n < 0 && (errno == EINTR || errno == ENOMEM)) {
      break;
    } else if (!std::exchange(again, false)) {
      closed(found);
      break;
    }
  }
  return moved;
}

// The app may open it again by its name, as long as it lives.
void Terminals::closed(Found found) {
  Terminal& terminal = found->second;
  if (terminal.finishing) return remove(found->first);
  if (terminal.waits != Terminal::Waits::opening) terminal.pause = kFirstPause;
  wait_for(found, Terminal::Waits::opening);
  terminal.look_at = Monotonic::now() + terminal.pause;
  terminal.pause = std::min(terminal.pause * 2, kLongestPause);
}

void Terminals::finish(model::RunId run) {
  const auto found = terminals_.find(run);
  if (found == terminals_.end()) return;
  found->second.finishing = true;
  (void)move(found);
}

TimePoint Terminals::next_look() const {
  TimePoint next = TimePoint::max();
  for (const auto& [run, terminal] : terminals_)
    if (terminal.waits == Terminal::Waits::opening) next = std::min(next, terminal.look_at);
  return next;
}

void Terminals::look(TimePoint now) {
  std::vector<model::RunId> due;
  for (const auto& [run, terminal] : terminals_)
    if (terminal.waits == Terminal::Waits::opening && terminal.look_at <= now) due.push_back(run);
  for (const model::RunId run : due)
    (void)move(run);
}

// -1: none, an ended terminal would be reported all the time.
int Terminals::watched(const Terminal& terminal) const {
  switch (terminal.waits) {
    case Terminal::Waits::output:
      return terminal.master.get();
    case Terminal::Waits::room:
      return terminal.into.get();
    case Terminal::Waits::opening:
      break;
  }
  return -1;
}

void Terminals::wait_for(Found found, Terminal::Waits what) const {
  Terminal& terminal = found->second;
  if (terminal.waits == what) return;
  if (const int before = watched(terminal); before >= 0)
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, before, nullptr);
  terminal.waits = what;
  const unsigned events = what == Terminal::Waits::room ? EPOLLOUT : EPOLLIN;
  if (const int after = watched(terminal); after >= 0)
    (void)watch(epoll_.get(), after, events, found->first);
}

// Out of epoll first: the keeper holds the same terminal, which would go on raising events.
void Terminals::remove(model::RunId run) {
  const auto found = terminals_.find(run);
  if (found == terminals_.end()) return;
  if (const int fd = watched(found->second); fd >= 0)
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  terminals_.erase(found);
}

}  // namespace roost::daemon
