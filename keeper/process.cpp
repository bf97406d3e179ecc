#include "keeper/process.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/kill_point.h"

namespace roost::keeper {
namespace {

// A bounded line; what does not fit is cut off.
class Line {
 public:
  Line& text(const char* s) {
    while (*s != '\0' && size_ < sizeof text_)
      text_[size_++] = *s++;
    return *this;
  }

  Line& number(long long n, unsigned base = 10, int width = 1) {
    char digits[24];
    int count = 0;
    unsigned long long rest =
        n < 0 ? 0ULL - static_cast<unsigned long long>(n) : static_cast<unsigned long long>(n);
    for (; rest > 0 || count < width; rest /= base) {
      digits[count++] = static_cast<char>('0' + rest % base);
    }
    if (n < 0) text("-");
    while (count > 0 && size_ < sizeof text_)
      text_[size_++] = digits[--count];
    return *this;
  }

  // UTC, ISO 8601. (gmtime_r would read the time zone files.)
  Line& time(long long seconds) {
    const long long days = seconds / 86400 + 719468;  // since 0000-03-01
    const long long of_era = days % 146097;
    const long long year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const long long day = of_era - (365 * year + year / 4 - year / 100);
    const long long month = (5 * day + 2) / 153;
    const long long clock = seconds % 86400;
    number(days / 146097 * 400 + year + (month >= 10 ? 1 : 0)).text("-");
    number(month < 10 ? month + 3 : month - 9, 10, 2).text("-");
    number(day - (153 * month + 2) / 5 + 1, 10, 2).text("T").number(clock / 3600, 10, 2);
    return text(":").number(clock / 60 % 60, 10, 2).text(":").number(clock % 60, 10, 2).text("Z");
  }

  [[nodiscard]] bool write_to(int fd) const {
    return ::write(fd, text_, size_) == static_cast<ssize_t>(size_);
  }

  // Zero-terminated.
  const char* c_str() {
    text_[size_ < sizeof text_ ? size_ : size_ - 1] = '\0';
    return text_;
  }

 private:
  char text_[256];
  std::size_t size_ = 0;
};

long own_oom_score() {
  char text[16] = {};
  const int fd = ::open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t size = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  return size > 0 ? std::strtol(text, nullptr, 10) : 0;
}

// setenv() would use the heap.
void add_to_environment(const char* variable) {
  std::size_t count = 0;
  while (environ[count] != nullptr)
    ++count;
  void* memory = ::mmap(nullptr, (count + 2) * sizeof(char*), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  auto** list = static_cast<char**>(memory);
  std::memcpy(list, environ, count * sizeof(char*));
  list[count] = const_cast<char*>(variable);
  environ = list;
}

void remember_original(rlim_t descriptors, mode_t mask) {
  if (std::getenv(kOriginalVariable) != nullptr) return;
  static Line line;
  line.text(kOriginalVariable).text("=oom=").number(own_oom_score()).text(",nofile=");
  line.number(static_cast<long long>(descriptors)).text(",umask=").number(mask, 8);
  line.text(",nice=").number(::getpriority(PRIO_PROCESS, 0));
  add_to_environment(line.c_str());
}

// PIDFD_GET_INFO of <linux/pidfd.h>, which Debian 12 does not have yet.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t ids[11];
  std::int32_t exit_code;
};

static_assert(sizeof(PidfdInfo) == 64);
constexpr std::uint64_t kPidfdInfoExit = 1U << 3;

}  // namespace

void log_line(int home, const char* text, std::initializer_list<Pair> pairs) {
  const int fd = ::openat(home, "roostd.log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  Line line;
  line.time(std::time(nullptr)).text(" ").text(text);
  for (const Pair& pair : pairs)
    line.text(" ").text(pair.name).text("=").number(pair.value);
  (void)line.text("\n").write_to(fd);  // nobody to tell
  ::close(fd);
}

std::uint32_t take_privileges() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  remember_original(limit.rlim_cur, ::umask(077));
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd >= 0) {
    (void)!::write(fd, "-900", 4);  // not permitted to ordinary users
    ::close(fd);
  }
  constexpr rlim_t kMost = 1U << 20;
  return static_cast<std::uint32_t>(limit.rlim_cur < kMost ? limit.rlim_cur : kMost);
}

void become_keeper() {
  ::setsid();  // fails when we lead a session already
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  ::prctl(PR_SET_NAME, "roost-keeper", 0, 0, 0);
  if (::chdir("/") != 0) return;  // cannot fail; a home on a removable file system is not pinned
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; null >= 0 && fd < 3; ++fd)
    ::dup2(null, fd);
  if (null > 2) ::close(null);
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);  // ignored, there would be no zombies and no statuses
}

bool write_pid_file(int home) {
  const int fd = ::openat(home, "keeper.pid.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  Line line;
  const bool written = line.number(::getpid()).text("\n").write_to(fd);
  ::close(fd);
  return written && ::renameat(home, "keeper.pid.tmp", home, "keeper.pid") == 0;
}

void remove_pid_file(int home) {
  ::unlinkat(home, "keeper.pid", 0);
}

const char* write_number(char (&text)[24], int n) {
  Line line;
  const char* digits = line.number(n).c_str();
  std::size_t size = std::strlen(digits);
  if (size >= sizeof text) size = sizeof text - 1;
  std::memcpy(text, digits, size);
  text[size] = '\0';
  return text;
}

int open_proc(int number, const char* file, int flags, const char* directory) {
  Line path;
  return ::open(path.text(directory).number(number).text(file).c_str(), flags | O_CLOEXEC);
}

namespace {

// Reads a small file of /proc whole; the text ends with a NUL.
template <std::size_t N>
bool read_proc(char (&text)[N], const char* directory, int number, const char* file) {
  const int fd = open_proc(number, file, O_RDONLY, directory);
  if (fd < 0) return false;
  const ssize_t n = ::read(fd, text, N - 1);
  ::close(fd);
  text[n > 0 ? n : 0] = '\0';
  return n > 0;
}

// The wait status of a dead process that its parent has not reaped: the last field of its stat
// (proc(5), exit_code). Its parent may take its time, we do not. A 0 is not believed: it is also
// what those get to see who may not know.
bool zombie_status(int pidfd, int& status) {
  char text[1024];
  if (!read_proc(text, "/proc/self/fdinfo/", pidfd, "")) return false;
  const char* pid = std::strstr(text, "Pid:");
  if (pid == nullptr) return false;
  const int number = std::atoi(pid + 4);
  if (number <= 0 || !read_proc(text, "/proc/", number, "/stat")) return false;
  const char* name_end = std::strrchr(text, ')');
  const char* last = std::strrchr(text, ' ');
  if (name_end == nullptr || name_end[1] != ' ' || name_end[2] != 'Z') return false;
  status = std::atoi(last + 1);
  return status != 0;
}

ExitFact fact_of(int status) {
  if (WIFEXITED(status)) return {CLD_EXITED, WEXITSTATUS(status)};
  return {WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED, WTERMSIG(status)};
}

}  // namespace

PidfdView look_at_pidfd(int pidfd) {
  PidfdView view;
  pollfd state{pidfd, POLLIN, 0};
  view.dead = ::poll(&state, 1, 0) > 0;
  if (!view.dead) return view;
  PidfdInfo info{};
  info.mask = kPidfdInfoExit;
  const int result = ::ioctl(pidfd, _IOWR(0xFF, 11, PidfdInfo), &info);
  int status = 0;
  if (result == 0 && (info.mask & kPidfdInfoExit) != 0) {
    status = info.exit_code;
  } else if (!zombie_status(pidfd, status)) {
    // Reaped before we asked, by a kernel that keeps no status.
    view.final = (state.revents & POLLHUP) != 0 || (result != 0 && errno != ESRCH);
    return view;
  }
  view.final = true;
  view.fact = fact_of(status);
  return view;
}

std::uint64_t monotonic_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000000;
}

std::uint64_t random_epoch() {
  std::uint64_t value = 0;
  if (::getrandom(&value, sizeof value, 0) != sizeof value) value = monotonic_ms();
  return (value >> 1) | 1;  // not 0, and positive where numbers are signed
}

#ifdef ROOST_KILL_POINTS
void kill_point(const char* name) {
  const char* wanted = std::getenv("ROOST_DIE_AT");
  if (wanted == nullptr || std::strcmp(wanted, name) != 0) return;
  const char* once = std::getenv("ROOST_DIE_ONCE");
  if (once != nullptr && ::unlink(once) != 0) return;
  ::kill(::getpid(), SIGKILL);
}
#endif

}  // namespace roost::keeper
