// A roostd without a will of its own: see puppet.h.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "keeper/link.h"
#include "tests/unit/keeper/puppet.h"

namespace {

using namespace roost::keeper;
using puppet::Command;
using puppet::Kind;
using puppet::Report;

void send_report(int control, const Report& report, const int* fds, std::size_t count) {
  iovec part{const_cast<Report*>(&report), sizeof report};
  alignas(cmsghdr) char space[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (count > 0) {
    header.msg_control = space;
    header.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(c), fds, count * sizeof(int));
  }
  if (::sendmsg(control, &header, MSG_NOSIGNAL) < 0) std::exit(1);
}

bool receive_command(int control, Command& command, int (&fds)[2]) {
  fds[0] = fds[1] = -1;
  iovec part{&command, sizeof command};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof fds)] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = space;
  header.msg_controllen = sizeof space;
  if (::recvmsg(control, &header, MSG_CMSG_CLOEXEC) != static_cast<ssize_t>(sizeof command)) {
    return false;
  }
  if (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr) {
    std::memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
  }
  return true;
}

int register_self(const Command& command, int out) {
  const int self = static_cast<int>(::getpid());
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, self, 0));
  Message message;
  message.type = Type::register_run;
  message.key = command.key;
  message.value = self;
  message.flags = kFdPidfd | kFdStdout;
  std::snprintf(reinterpret_cast<char*>(message.label), kLabelBytes, "run %llu",
                static_cast<unsigned long long>(command.key));
  const int fds[kMaxRunFds] = {pidfd, out, -1, -1, -1};
  Sent sent = Sent::full;
  while (sent == Sent::full)
    sent = send_message(kDaemonSocketFd, message, fds);
  return sent == Sent::done ? 0 : errno;
}

[[noreturn]] void be_child(const Command& command, const int (&fds)[2]) {
  int pipe[2] = {-1, -1};
  if (::pipe(pipe) != 0 || command.kind == Kind::stranger) ::_exit(command.status);
  char byte = 0;
  if (command.kind == Kind::late) {
    (void)!::read(fds[0], &byte, 1);  // its end is the release
    const std::int32_t error = register_self(command, pipe[0]);
    (void)!::write(fds[1], &error, sizeof error);
    ::_exit(command.status);
  }
  const std::int32_t error = register_self(command, pipe[0]);
  (void)!::write(fds[1], &error, sizeof error);
  if (error != 0) ::_exit(127);
  if (command.kind == Kind::brief) ::_exit(command.status);
  (void)!::write(pipe[1], "hello", 5);
  ::close(pipe[0]);
  ::close(kDaemonSocketFd);
  (void)!::read(fds[0], &byte, 1);
  ::_exit(command.status);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  ::signal(SIGPIPE, SIG_IGN);  // not every test reads the results
  const int control = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s/control", argv[2]);
  if (::connect(control, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 1;
  const int own[2] = {kDaemonSocketFd, kDaemonLockFd};
  send_report(control, Report{::getpid()}, own, 2);
  Command command;
  int fds[2];
  while (receive_command(control, command, fds)) {
    const long child = ::syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, 0);
    if (child == 0) {
      ::close(control);
      be_child(command, fds);
    }
    for (const int fd : fds) {
      if (fd >= 0) ::close(fd);
    }
    send_report(control, Report{static_cast<std::int32_t>(child)}, nullptr, 0);
  }
  for (;;)
    ::pause();
}
