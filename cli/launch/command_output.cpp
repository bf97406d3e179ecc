#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/launch/launch.h"
#include "core/base/time.h"
#include "core/base/unique_fd.h"
#include "core/model/limits.h"

namespace roost::cli {
namespace {

namespace limits = model::limits;

Error problem(std::string message) {
  return {Errc::io, std::move(message), {}};
}

// The command has neither the app's stdin nor what else it has open.
[[noreturn]] void execute(const std::string& line, int output, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (::getppid() != parent || null < 0 || ::dup2(null, 0) < 0 || ::dup2(output, 1) < 0)
    ::_exit(127);
  ::close_range(3, ~0U, 0);
  ::execl("/bin/sh", "sh", "-c", line.c_str(), static_cast<char*>(nullptr));
  ::_exit(127);
}

// Whether there is something to read before the deadline.
bool is_readable(int fd, TimePoint deadline) {
  while (true) {
    const Duration left = deadline - Monotonic::now();
    if (left <= 0s) return false;
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, static_cast<int>(to_ms(left)) + 1) > 0) return true;
  }
}

Error too_slow() {
  return problem("did not end within " + std::to_string(to_ms(limits::kSecretTime) / 1000) + "s");
}

// Until the end of the output and of the command.
Status read_to_end(int fd, int pidfd, std::string& text) {
  const TimePoint deadline = Monotonic::now() + limits::kSecretTime;
  char buffer[4096];
  while (true) {
    if (!is_readable(fd, deadline)) return too_slow();
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    if (text.size() + static_cast<std::size_t>(n) > limits::kMaxSecretBytes)
      return problem("prints more than " + std::to_string(limits::kMaxSecretBytes >> 10U) + " KiB");
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return is_readable(pidfd, deadline) ? ok() : Status(too_slow());
}

}  // namespace

Result<std::string> command_output(const std::string& line) {
  const std::string name = "command `" + line + "` ";
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return problem(std::string("pipe: ") + std::strerror(errno));
  const UniqueFd output(ends[0]);
  UniqueFd input(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return problem(std::string("fork: ") + std::strerror(errno));
  if (child == 0) execute(line, input.get(), parent);
  ::setpgid(child, child);
  input.reset();
  std::string text;
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  const Status whole = read_to_end(output.get(), pidfd.get(), text);
  if (!whole) ::kill(-child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ::kill(-child, SIGKILL);  // what it left behind
  if (!whole) return problem(name + whole.error().message);
  if (WIFSIGNALED(status))
    return problem(name + "was killed by SIG" + ::sigabbrev_np(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0)
    return problem(name + "ended with exit code " + std::to_string(WEXITSTATUS(status)));
  return text;
}

}  // namespace roost::cli
