#include "tests/unit/process/test_keeper.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace roost::daemon::test {
namespace {

struct HeldRun {
  keeper::Message message;
  std::vector<UniqueFd> fds;
};

class TestKeeper {
 public:
  TestKeeper(int socket, pid_t tests) : socket_(socket), tests_(tests) {}

  int run() {
    while (true) {
      pollfd readable{.fd = socket_, .events = POLLIN, .revents = 0};
      ::poll(&readable, 1, 5);
      while (receive()) {
      }
      if (const auto status = reap()) return *status;
    }
  }

 private:
  bool receive() {
    keeper::Message message;
    iovec data{.iov_base = &message, .iov_len = sizeof message};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * keeper::kMaxRunFds)];
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    if (::recvmsg(socket_, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) !=
        static_cast<ssize_t>(sizeof message))
      return false;
    HeldRun run{.message = message, .fds = {}};
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
      const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
        run.fds.emplace_back(fd);
      }
    }
    const bool whole = message.type == keeper::Type::register_run && run.fds.size() == 3;
    const int pid = message.value;
    message.value = whole ? 0 : 1;
    runs_[pid] = std::move(run);
    ::send(socket_, &message, sizeof message, MSG_NOSIGNAL);
    return true;
  }

  // The tests' exit status once they are over.
  std::optional<int> reap() {
    while (true) {
      siginfo_t info{};
      if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
        return std::nullopt;
      while (receive()) {  // a child registers before it dies
      }
      ::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED);
      if (info.si_pid == tests_) {
        kill_children();
        return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
      }
      report(info);
    }
  }

  void report(const siginfo_t& info) {
    const auto found = runs_.find(info.si_pid);
    if (found == runs_.end()) return;
    keeper::Message message = found->second.message;
    message.type = keeper::Type::exit;
    message.value = info.si_code;
    message.status = info.si_status;
    runs_.erase(found);
    ::send(socket_, &message, sizeof message, MSG_NOSIGNAL);
  }

  static void kill_children() {
    while (true) {
      const std::string self = std::to_string(::getpid());
      std::ifstream list("/proc/self/task/" + self + "/children");
      pid_t pid = 0;
      bool any = false;
      while (list >> pid)
        any = ::kill(pid, SIGKILL) == 0 || any;
      if (!any || ::waitid(P_ALL, 0, nullptr, WEXITED) != 0) return;
    }
  }

  int socket_;
  pid_t tests_;
  std::map<pid_t, HeldRun> runs_;
};

}  // namespace

int serve_as_keeper(int socket, pid_t tests) {
  return TestKeeper(socket, tests).run();
}

bool KeeperLink::read_one(TimePoint deadline) {
  const auto left = to_ms(deadline - Monotonic::now());
  pollfd readable{.fd = fd_, .events = POLLIN, .revents = 0};
  if (left <= 0 || ::poll(&readable, 1, static_cast<int>(left)) <= 0) return false;
  keeper::Message message;
  if (::recv(fd_, &message, sizeof message, 0) != static_cast<ssize_t>(sizeof message))
    return false;
  if (message.type == keeper::Type::register_run && message.value == 0) {
    const auto label = model::load_label<model::RunLabel>(
        std::span<const std::uint8_t, model::kLabelCapacity>(message.label));
    if (label) registered_[message.key] = *label;
  }
  if (message.type == keeper::Type::exit)
    exits_[message.key] = {.code = message.value, .status = message.status};
  return true;
}

void KeeperLink::drain() {
  pollfd readable{.fd = fd_, .events = POLLIN, .revents = 0};
  while (::poll(&readable, 1, 0) == 1 && read_one(Monotonic::now() + 1s)) {
  }
}

std::optional<model::RunLabel> KeeperLink::wait_registered(model::RunId run, Duration at_most) {
  const TimePoint deadline = Monotonic::now() + at_most;
  while (!registered_.contains(raw(run)))
    if (!read_one(deadline)) return std::nullopt;
  return registered_[raw(run)];
}

std::optional<SeenExit> KeeperLink::wait_exit(model::RunId run, Duration at_most) {
  const TimePoint deadline = Monotonic::now() + at_most;
  while (!exits_.contains(raw(run)))
    if (!read_one(deadline)) return std::nullopt;
  return exits_[raw(run)];
}

}  // namespace roost::daemon::test
