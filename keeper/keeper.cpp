#include "keeper/keeper.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/kill_point.h"
#include "keeper/process.h"
#include "keeper/upgrade.h"

namespace roost::keeper {
namespace {

constexpr std::uint64_t kSignalsTag = 1;
constexpr std::uint64_t kSocketTag = 2;
constexpr Millis kYoung = 5000;
constexpr Millis kForeignLook = 50;
constexpr int kForeignLooks = 20;
constexpr int kCrashesBeforeOld = 3;
constexpr int kSocketBuffer = 1 << 20;

void earlier(Millis& next, Millis candidate) {
  if (candidate < next) next = candidate;
}

}  // namespace

Millis Backoff::on_death(Death death, Millis now) {
  constexpr Millis kPerCrash = 1000;
  constexpr Millis kPerKill = 100;
  constexpr Millis kBurst = 30 * kPerCrash;
  constexpr Millis kFirst = 10;
  constexpr Millis kLongest = 5000;
  if (death == Death::early) {
    const Millis delay = delay_;
    delay_ = delay == 0 ? kFirst : delay * 2;
    if (delay_ > kLongest) delay_ = kLongest;
    return delay;
  }
  delay_ = 0;
  if (booked_until_ < now) booked_until_ = now;
  booked_until_ += death == Death::killed ? kPerKill : kPerCrash;
  return booked_until_ - now > kBurst ? booked_until_ - now - kBurst : 0;
}

int Keeper::run() {
  prepare();
  while (!finished()) {
    turn();
    if (!finished()) wait();
  }
  remove_pid_file(options_.home_fd);
  return 0;
}

void Keeper::prepare() {
  now_ = monotonic_ms();
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT})
    ::sigaddset(&wanted, signal);
  signals_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kSignalsTag;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, signals_, &event);
  std::uint32_t at = 0;
  for (TableRecord* r = table_.runs.at_or_after(at); r != nullptr;
       r = table_.runs.at_or_after(++at)) {
    if ((r->flags & (kRunForeign | kRunExited)) == kRunForeign) session_.watch_foreign(r);
  }
  if (table_.header.daemon_pid > 0) {
    spawned_at_ = now_;
    keep_proven_daemon();
    session_.resume(table_.header.daemon_socket, now_);
  }
  reap();  // who died before the signals were ours
}

// Everything that is due now.
void Keeper::turn() {
  if (table_.header.daemon_pid == 0 && !finished() && now_ >= spawn_at_) spawn();
  if (now_ >= foreign_look_at_) look_at_all_foreign();
  if (now_ >= prove_at_) {
    if (session_.ready())
      keep_proven_daemon();
    else
      prove_at_ = now_ + kYoung;  // it lives, but has not taken over
  }
  session_.pump(now_);
  if (terminate_ && session_.ready()) {
    ::kill(table_.header.daemon_pid, SIGTERM);
    terminate_ = false;
  }
  // Not before all that it has said is read.
  if (session_.overdue(now_)) session_.receive(Session::Depth::all, now_);
  if (session_.overdue(now_)) {
    log_line(options_.home_fd, "E keeper daemon does not answer, killing it",
             {{"pid", table_.header.daemon_pid}});
    // Hung before it had taken over: not worth the time that two more tries would take.
    if (!session_.ready()) crashes_ = kCrashesBeforeOld - 1;
    ::kill(table_.header.daemon_pid, SIGKILL);
    session_.was_killed(now_);
  }
  if (session_.take_upgrade_request()) {
    keep_proven_daemon();  // it may give way to a worse one next
    exec_keeper(options_, table_);
    log_line(options_.home_fd, "E keeper upgrade refused, going on with the old one", {});
    session_.answer_upgrade(1, now_);
  }
  watch_socket();
}

void Keeper::wait() {
  Millis next = session_.next_deadline();
  earlier(next, foreign_look_at_);
  earlier(next, prove_at_);
  if (table_.header.daemon_pid == 0) earlier(next, spawn_at_);
  int timeout = session_.must_read() ? 0 : -1;
  if (timeout < 0 && next != kNever) timeout = next > now_ ? static_cast<int>(next - now_) : 0;
  epoll_event events[16];
  const int count = ::epoll_wait(epoll_, events, 16, timeout);
  now_ = monotonic_ms();
  constexpr Millis kSlept = 1000;
  if (next != kNever && now_ > next + kSlept) session_.forgive(now_);  // we were stopped ourselves
  if (count == 0) session_.receive(Session::Depth::polite, now_);
  for (int i = 0; i < count; ++i)
    dispatch(events[i].data.u64, events[i].events);
}

void Keeper::dispatch(std::uint64_t tag, std::uint32_t events) {
  if (tag == kSignalsTag) return on_signals();
  if (tag == kSocketTag || tag == kBellTag) {
    if ((events & ~std::uint32_t{EPOLLOUT}) != 0) session_.receive(Session::Depth::polite, now_);
    return;
  }
  const auto position = static_cast<std::uint32_t>(tag - kFirstRunTag);
  std::uint32_t at = position;
  TableRecord* run = table_.runs.at_or_after(at);
  if (run != nullptr && at == position) look_at_foreign(run);
}

void Keeper::on_signals() {
  signalfd_siginfo infos[4];  // of which there are three: one read does
  const ssize_t got = ::read(signals_, infos, sizeof infos);
  const auto count = got > 0 ? static_cast<std::size_t>(got) / sizeof infos[0] : 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (infos[i].ssi_signo != SIGCHLD) terminate_ = terminated_ = true;
  }
  reap();
}

// A child registers before it execs. So once its death is seen, its registration is in the socket
// or was read before: the socket is read to the end between looking at a zombie and attributing it.
//
// The first exit is told before the process is reaped, which takes longer than all the rest: the
// daemon goes on meanwhile. Those that died with it go together.
void Keeper::reap() {
  for (bool first = true;; first = false) {
    siginfo_t info{};
    constexpr int kHow = WEXITED | WNOHANG | __WALL;
    if (::waitid(P_ALL, 0, &info, kHow | WNOWAIT) != 0 || info.si_pid == 0) return;
    session_.receive(Session::Depth::all, now_);
    if (info.si_pid == table_.header.daemon_pid) {
      on_daemon_death(info);
    } else if (TableRecord* run = table_.runs.find_pid(info.si_pid); run != nullptr) {
      table_.record_exit(run, {info.si_code, info.si_status});
      if (first) session_.pump(now_);
    } else {
      ++table_.header.reaped;
    }
    ::waitid(P_PID, static_cast<id_t>(info.si_pid), nullptr, kHow);
    kill_point("keeper.reaped");
  }
}

void Keeper::on_daemon_death(const siginfo_t& info) {
  const bool young = now_ - spawned_at_ < kYoung;
  const bool by_itself = info.si_code == CLD_EXITED || info.si_status != SIGKILL;
  // One that hangs before it has taken over is as bad as one that crashes.
  crashes_ = !session_.ready() || (young && by_itself) ? crashes_ + 1 : 0;
  const Death taken_over = by_itself ? Death::crashed : Death::killed;
  const Millis delay = backoff_.on_death(session_.ready() ? taken_over : Death::early, now_);
  session_.close(now_);
  watched_ = 0;
  kill_point("keeper.drained");
  table_.header.daemon_pid = 0;
  table_.header.daemon_socket = -1;
  spawn_at_ = now_ + delay;
  prove_at_ = kNever;
  if (terminated_) terminate_ = true;  // the next one finishes what this one was told
  if (finished()) return;
  log_line(options_.home_fd, "W keeper daemon died",
           {{"pid", info.si_pid},
            {"code", info.si_code},
            {"status", info.si_status},
            {"lived_ms", static_cast<long long>(now_ - spawned_at_)},
            {"next_ms", static_cast<long long>(delay)}});
}

void Keeper::spawn() {
  int pair[2];
  const bool paired = ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0;
  for (const int end : pair) {
    if (paired) ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kSocketBuffer, sizeof kSocketBuffer);
  }
  const pid_t child = paired ? ::fork() : -1;
  if (child == 0) become_daemon(pair[1]);
  if (child < 0) {
    log_line(options_.home_fd, "E keeper cannot fork roostd", {{"errno", errno}});
    spawn_at_ = now_ + backoff_.on_death(Death::early, now_);
  }
  if (paired) ::close(pair[1]);
  if (paired && child < 0) ::close(pair[0]);
  if (child < 0) return;
  table_.header.daemon_pid = child;
  table_.header.daemon_socket = pair[0];
  spawned_at_ = now_;
  prove_at_ = now_ + kYoung;
  kill_point("keeper.spawned");
  session_.open(pair[0], now_);
}

void Keeper::become_daemon(int socket) {
  // Out of the way of their targets first.
  const int high_socket = ::fcntl(socket, F_DUPFD_CLOEXEC, 10);
  const int high_lock = ::fcntl(options_.lock_fd, F_DUPFD_CLOEXEC, 10);
  const int old = good_daemon_ >= 0 ? ::fcntl(good_daemon_, F_DUPFD_CLOEXEC, 10) : -1;
  options_.home_fd = ::fcntl(options_.home_fd, F_DUPFD_CLOEXEC, 10);
  ::dup2(high_socket, kDaemonSocketFd);
  ::dup2(high_lock, kDaemonLockFd);
  ::signal(SIGHUP, SIG_DFL);
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const char* argv[] = {"roostd", "--home", options_.home, nullptr};
  auto* arguments = const_cast<char* const*>(argv);
  if (old >= 0 && crashes_ >= kCrashesBeforeOld) {
    log_line(options_.home_fd, "E keeper roostd crashes at once, starting the one before",
             {{"crashes", crashes_}});
    ::syscall(SYS_execveat, old, "", arguments, environ, AT_EMPTY_PATH);
  }
  ::execve(options_.daemon, arguments, environ);
  log_line(options_.home_fd, "E keeper cannot exec roostd", {{"errno", errno}});
  ::_exit(127);
}

void Keeper::keep_proven_daemon() {
  prove_at_ = kNever;
  crashes_ = 0;
  const int fd = open_proc(table_.header.daemon_pid, "/exe", O_PATH);
  if (fd < 0) return;
  if (good_daemon_ >= 0) ::close(good_daemon_);
  good_daemon_ = fd;
}

// A dead one whose parent has not reaped it yet has no status: it is looked at again for a second.
void Keeper::look_at_foreign(TableRecord* run) {
  if ((run->flags & (kRunForeign | kRunExited)) != kRunForeign) return;
  const PidfdView view = look_at_pidfd(run->fds[0]);
  if (!view.dead) return;
  if (!view.final && ++run->looks < kForeignLooks) {
    earlier(foreign_look_at_, now_ + kForeignLook);
    return;
  }
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, run->fds[0], nullptr);
  table_.record_exit(run, view.fact);
}

void Keeper::look_at_all_foreign() {
  foreign_look_at_ = kNever;
  std::uint32_t at = 0;
  for (TableRecord* r = table_.runs.at_or_after(at); r != nullptr;
       r = table_.runs.at_or_after(++at)) {
    if (r->looks > 0) look_at_foreign(r);
  }
}

void Keeper::watch_socket() {
  const std::uint32_t wanted = session_.socket() >= 0 ? session_.interest() : 0;
  if (wanted == watched_ || session_.socket() < 0) return;
  int operation = watched_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (wanted == 0) operation = EPOLL_CTL_DEL;
  epoll_event event{};
  event.events = wanted;
  event.data.u64 = kSocketTag;
  ::epoll_ctl(epoll_, operation, session_.socket(), &event);
  watched_ = wanted;
}

bool Keeper::finished() const {
  const bool asked = session_.quit_asked() || terminated_;
  return asked && table_.header.daemon_pid == 0 && table_.runs.used() == 0;
}

}  // namespace roost::keeper
