#include "cli/keeper_start.h"

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/model/limits.h"

namespace roost::cli {
namespace {

constexpr int kLockFd = 3;
constexpr int kReportFd = 4;

Result<std::string> own_directory() {
  std::array<char, PATH_MAX> path{};
  const auto size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0) return errno_error("read '/proc/self/exe'", errno);
  const std::string_view text(path.data(), static_cast<std::size_t>(size));
  return std::string(text.substr(0, text.rfind('/')));
}

[[noreturn]] void report_and_exit() {
  const int error = errno;
  // If even this fails the parent sees the end of file and then no daemon.
  (void)!::write(kReportFd, &error, sizeof error);
  ::_exit(127);
}

// Whatever the invoking shell ignores or blocks is no business of a daemon.
void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal)
    (void)::signal(signal, SIG_DFL);  // fails for those that cannot be changed
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Moves both descriptors out of the way first: either may have the number the other one is to get.
bool arrange_descriptors(int lock, int report) {
  const int high_lock = ::fcntl(lock, F_DUPFD_CLOEXEC, 10);
  const int high_report = ::fcntl(report, F_DUPFD_CLOEXEC, 10);
  const int null = ::open("/dev/null", O_RDWR);
  if (high_lock < 0 || high_report < 0 || null < 0) return false;
  for (int fd = 0; fd <= 2; ++fd)
    if (null != fd && ::dup2(null, fd) < 0) return false;
  return ::dup2(high_lock, kLockFd) >= 0 && ::dup3(high_report, kReportFd, O_CLOEXEC) >= 0 &&
         ::close_range(kReportFd + 1, ~0U, 0) == 0;
}

[[noreturn]] void become_keeper(const Programs& programs, const ipc::Paths& paths, int lock,
                                int report) {
  reset_signals();
  const std::string lock_number = std::to_string(kLockFd);
  const std::array<const char*, 8> argv{
      programs.keeper.c_str(), "--home",    paths.home.c_str(),  "--daemon",
      programs.daemon.c_str(), "--lock-fd", lock_number.c_str(), nullptr};
  if (!arrange_descriptors(lock, report) || ::chdir("/") != 0) report_and_exit();
  ::execv(argv[0], const_cast<char* const*>(argv.data()));
  report_and_exit();
}

// The first child only makes the second one an orphan, in a session without a terminal.
[[noreturn]] void detach(const Programs& programs, const ipc::Paths& paths, int lock, int report) {
  ::setsid();
  const pid_t keeper = ::fork();
  if (keeper == 0) become_keeper(programs, paths, lock, report);
  ::_exit(keeper > 0 ? 0 : 1);
}

// 0 = executed, else the errno that prevented it.
int read_report(int fd) {
  int error = 0;
  ssize_t size = 0;
  do {
    size = ::read(fd, &error, sizeof error);
  } while (size < 0 && errno == EINTR);
  return size == sizeof error ? error : 0;
}

}  // namespace

Result<Programs> find_programs() {
  auto directory = own_directory();
  if (!directory) return std::move(directory).error();
  Programs programs{*directory + "/roost-keeper", *directory + "/roostd"};
  for (const auto* program : {&programs.keeper, &programs.daemon})
    if (::access(program->c_str(), X_OK) != 0)
      return Error{Errc::unavailable, "'" + *program + "' is missing",
                   "roost, roostd and roost-keeper belong into one directory: install it again"};
  return programs;
}

Status start_keeper(const Programs& programs, const ipc::Paths& paths, UniqueFd lock) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("pipe", errno);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return errno_error("fork", errno);
  if (child == 0) detach(programs, paths, lock.get(), writer.get());
  writer.reset();
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0)
    return Error{Errc::unavailable, "no further process can be made", "see `ulimit -u`"};
  if (const int error = read_report(reader.get()); error != 0)
    return errno_error("execute '" + programs.keeper + "'", error);
  return ok();
}

Status check_limits() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max < model::limits::kLeastDescriptors)
    return Error{Errc::conflict,
                 "a process may have " + std::to_string(files.rlim_max) +
                     " open files here: too few for roost",
                 "allow " + std::to_string(model::limits::kLeastDescriptors) +
                     " at least (ulimit -Hn), and two more for each app"};
  return ok();
}

Status check_kernel() {
  utsname name{};
  int major = 0;
  int minor = 0;
  if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return ok();
  if (major > 6 || (major == 6 && minor >= 1)) return ok();
  return Error{Errc::conflict, std::string("Linux ") + name.release + " is too old",
               "roost needs Linux 6.1 or newer"};
}

}  // namespace roost::cli
