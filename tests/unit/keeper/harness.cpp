#include "tests/unit/keeper/harness.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace roost::keeper {

bool wait_for(int fd, short events, int deadline_ms) {
  pollfd state{fd, events, 0};
  return ::poll(&state, 1, deadline_ms) > 0;
}

std::optional<Received> next_message(int socket, Pong pong) {
  Packet packet;
  while (wait_for(socket, POLLIN)) {
    const Got got = receive_message(socket, packet);
    if (got == Got::end) return std::nullopt;
    if (got != Got::message) continue;
    if (packet.message.type == Type::ping && pong == Pong::yes) {
      tell(socket, Type::pong, 0, packet.message.seq);
      continue;
    }
    Received received{packet.message, {}};
    for (int fd = packet.take(); fd >= 0; fd = packet.take())
      received.fds.emplace_back(fd);
    return received;
  }
  return std::nullopt;
}

void tell(int socket, Type type, std::uint64_t key, std::uint64_t seq, std::int32_t value) {
  Message message;
  message.type = type;
  message.key = key;
  message.seq = seq;
  message.value = value;
  REQUIRE(send_message(socket, message) == Sent::done);
}

bool settle(int socket) {
  tell(socket, Type::store);  // key 0 is refused
  const auto answer = next_message(socket);
  return answer && answer->message.type == Type::not_kept && answer->message.key == 0;
}

bool registered(int socket, const Child& child) {
  return wait_for(child.result.get(), POLLIN) && settle(socket);
}

void put_run(int socket, std::uint64_t key, pid_t pid, int pidfd, Type type) {
  Message message;
  message.type = type;
  message.key = key;
  message.value = pid;
  message.flags = pidfd >= 0 ? kFdPidfd : 0U;
  const int fds[kMaxRunFds] = {pidfd, -1, -1, -1, -1};
  REQUIRE(send_message(socket, message, fds) == Sent::done);
}

std::string label_of(const Message& message) {
  return reinterpret_cast<const char*>(message.label);
}

bool same_file(int a, int b) {
  struct stat left {};

  struct stat right {};

  return ::fstat(a, &left) == 0 && ::fstat(b, &right) == 0 && left.st_dev == right.st_dev &&
         left.st_ino == right.st_ino;
}

UniqueFd make_memfd(const std::string& content) {
  UniqueFd fd(::memfd_create("test", MFD_CLOEXEC));
  REQUIRE(::write(fd.get(), content.data(), content.size()) ==
          static_cast<ssize_t>(content.size()));
  return fd;
}

std::string read_all(int fd) {
  std::string content(4096, '\0');
  const ssize_t size = ::pread(fd, content.data(), content.size(), 0);
  content.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return content;
}

UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

HandOver take_over(int socket) {
  HandOver result;
  tell(socket, Type::daemon_hello, 0, 0, kProtocolVersion);
  int since_window = 0;
  while (auto received = next_message(socket)) {
    const Message message = received->message;
    ++since_window;
    if (message.type == Type::hello) result.hello = message;
    if (message.type == Type::specs) result.specs = std::move(received->fds.at(0));
    if (message.type == Type::entry) result.entries[message.key] = std::move(*received);
    if (message.type == Type::run) result.runs[message.key] = std::move(*received);
    if (message.type == Type::exit) result.exits.push_back(message);
    if (message.type == Type::window) {
      ++result.windows;
      result.most_between_windows = std::max(result.most_between_windows, since_window);
      since_window = 0;
      // Paced: nothing comes before the acknowledgement.
      CHECK_FALSE(wait_for(socket, POLLIN, 0));
      tell(socket, Type::window_ack, 0, message.seq);
    }
    if (message.type == Type::ready) {
      result.ready = message;
      result.complete = true;
      return result;
    }
  }
  return result;
}

void Daemon::kill_hard() const {
  ::kill(pid, SIGKILL);
  CHECK(wait_for(pidfd.get(), POLLIN));
}

Home::Home() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  char name[] = "/tmp/roost-keeper-test-XXXXXX";
  REQUIRE(::mkdtemp(name) != nullptr);
  path_ = name;
  listener_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s/control", path_.c_str());
  REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener_.get(), 8) == 0);
  std::filesystem::copy_file(KEEPER_PATH, path_ + "/roost-keeper");
  std::filesystem::copy_file(FAKE_DAEMON_PATH, path_ + "/roostd");
}

void Home::start_keeper(std::vector<std::string> options) {
  UniqueFd lock(::open((path_ + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  std::vector<std::string> words = {
      path_ + "/roost-keeper",   "--home", path_, "--daemon", path_ + "/roostd", "--lock-fd",
      std::to_string(lock.get())};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::fcntl(lock.get(), F_SETFD, 0);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  set_keeper(pid);
}

void Home::set_keeper(pid_t pid) {
  keeper_ = pid;
  keeper_pidfd_ = open_pidfd(keeper_);
}

Home::~Home() {
  if (keeper_ > 0) {
    ::kill(keeper_, SIGSTOP);  // it shall not start another daemon meanwhile
    const std::vector<pid_t> left = children_of_keeper();
    ::kill(keeper_, SIGKILL);
    for (const pid_t pid : left)
      ::kill(pid, SIGKILL);
    ::waitpid(keeper_, nullptr, 0);
  }
  std::error_code ignored;  // a leftover directory in /tmp fails nothing
  std::filesystem::remove_all(path_, ignored);
}

Daemon Home::next_daemon() {
  Daemon daemon;
  REQUIRE(wait_for(listener_.get(), POLLIN));
  daemon.control.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  puppet::Report report;
  int fds[2] = {-1, -1};
  iovec part{&report, sizeof report};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof fds)] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = space;
  header.msg_controllen = sizeof space;
  REQUIRE(::recvmsg(daemon.control.get(), &header, MSG_CMSG_CLOEXEC) == sizeof report);
  cmsghdr* c = CMSG_FIRSTHDR(&header);
  REQUIRE(c != nullptr);
  std::memcpy(fds, CMSG_DATA(c), sizeof fds);
  daemon.socket.reset(fds[0]);
  daemon.lock.reset(fds[1]);
  daemon.pid = report.pid;
  daemon.pidfd = open_pidfd(report.pid);
  return daemon;
}

Child Home::start_child(const Daemon& daemon, puppet::Kind kind, std::uint64_t key, int status,
                        int shared) {
  int release[2] = {shared, -1};
  int result[2];
  if (shared < 0) REQUIRE(::pipe2(release, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(result, O_CLOEXEC) == 0);
  Child child;
  child.release.reset(release[1]);
  child.result.reset(result[0]);
  const int fds[2] = {release[0], result[1]};
  puppet::Command command{kind, status, key};
  iovec part{&command, sizeof command};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof fds)] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = space;
  header.msg_controllen = sizeof space;
  cmsghdr* c = CMSG_FIRSTHDR(&header);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof fds);
  std::memcpy(CMSG_DATA(c), fds, sizeof fds);
  REQUIRE(::sendmsg(daemon.control.get(), &header, MSG_NOSIGNAL) == sizeof command);
  if (shared < 0) ::close(release[0]);
  ::close(result[1]);
  puppet::Report report;
  REQUIRE(wait_for(daemon.control.get(), POLLIN));
  REQUIRE(::recv(daemon.control.get(), &report, sizeof report, 0) == sizeof report);
  child.pid = report.pid;
  return child;
}

std::string Home::file(const std::string& name) const {
  std::ifstream stream(path_ + "/" + name);
  std::ostringstream content;
  content << stream.rdbuf();
  return content.str();
}

bool Home::wait_for_log(const std::string& text) const {
  const UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  REQUIRE(::inotify_add_watch(watch.get(), path_.c_str(), IN_MODIFY | IN_CREATE) >= 0);
  for (;;) {
    if (file("roostd.log").find(text) != std::string::npos) return true;
    if (!wait_for(watch.get(), POLLIN)) return false;
    char events[4096];
    (void)!::read(watch.get(), events, sizeof events);  // that something happened is enough
  }
}

std::optional<int> Home::wait_for_keeper() {
  if (!wait_for(keeper_pidfd_.get(), POLLIN)) return std::nullopt;
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(keeper_), &info, WEXITED | WNOWAIT);
  return info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
}

std::vector<pid_t> Home::children_of_keeper() const {
  const std::string pid = std::to_string(keeper_);
  std::ifstream stream("/proc/" + pid + "/task/" + pid + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; stream >> child;)
    children.push_back(child);
  return children;
}

}  // namespace roost::keeper
