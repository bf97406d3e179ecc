// roost-keeper: parent of roostd and of every app; keeps what must outlive the daemon.
//
//   roost-keeper --home DIR --daemon PATH --lock-fd N [--table-fd N] [--ping-ms N] [--pong-limit-ms
//   N] roost-keeper --check MEMFD_FD     exit status 0 when it could load that table roost-keeper
//   --version
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "keeper/keeper.h"
#include "keeper/process.h"
#include "keeper/upgrade.h"

namespace roost::keeper {
namespace {

constexpr int kUsage = 2;

int say(int status, const char* text) {
  const int fd = status == 0 ? 1 : 2;
  (void)!::write(fd, text, std::strlen(text));
  (void)!::write(fd, "\n", 1);
  return status;
}

bool parse_number(const char* text, int& number) {
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value < 0 || value > 1 << 30) return false;
  number = static_cast<int>(value);
  return true;
}

bool parse_option(const char* name, const char* value, Options& options) {
  const auto is = [name](const char* option) { return std::strcmp(name, option) == 0; };
  if (is("--home") || is("--daemon")) {
    (is("--home") ? options.home : options.daemon) = value;
    return true;
  }
  if (is("--lock-fd") || is("--table-fd")) {
    return parse_number(value, is("--lock-fd") ? options.lock_fd : options.table_fd);
  }
  int number = 0;
  if ((!is("--ping-ms") && !is("--pong-limit-ms")) || !parse_number(value, number)) return false;
  (is("--ping-ms") ? options.pace.ping : options.pace.answer) = static_cast<Millis>(number);
  return true;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc || !parse_option(argv[i], argv[i + 1], options)) return false;
  }
  return options.home != nullptr && options.home[0] == '/' && options.daemon != nullptr &&
         options.daemon[0] == '/' && ::fcntl(options.lock_fd, F_GETFD) >= 0;
}

// The path as it was when we were started: an upgrade execs what lies there then.
const char* own_path() {
  static char path[4096];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path - 1);
  return size > 0 ? path : "/proc/self/exe";
}

// Nothing of the one who started us stays open; a table's descriptors stay, but go no further.
void limit_descriptors(Options& options) {
  if (options.table_fd >= 0) {
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    return;
  }
  if (options.lock_fd != 3) ::dup3(options.lock_fd, 3, O_CLOEXEC);
  options.lock_fd = 3;
  ::fcntl(3, F_SETFD, FD_CLOEXEC);
  ::close_range(4, ~0U, 0);
}

const char* fill_table(const Options& options, Table& table) {
  constexpr std::uint32_t kFewest = 64;
  std::uint32_t runs = options.pace.descriptors / 4;
  if (runs < kFewest) runs = kFewest;
  if (runs > kMaxRuns) runs = kMaxRuns;
  if (options.table_fd >= 0) return load_table(options.table_fd, table, runs);
  table.header.epoch = random_epoch();
  return table.open(runs, 2 * runs + kFewest) ? nullptr : "no memory";
}

int check(const char* text) {
  int fd = -1;
  if (!parse_number(text, fd)) return say(kUsage, "roost-keeper: --check needs a descriptor");
  const char* reason = check_table(fd);
  return reason == nullptr ? 0 : say(1, reason);
}

// A keeper that was exec'd by roostd begins without descriptors 0 to 2: nothing of worth may get
// their numbers.
void fill_standard_descriptors() {
  int fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO)
    fd = ::open("/dev/null", O_RDWR);
  if (fd > STDERR_FILENO) ::close(fd);
}

int start(Options& options) {
  fill_standard_descriptors();
  limit_descriptors(options);
  options.self = own_path();
  options.home_fd = ::open(options.home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (options.home_fd < 0) return say(1, "roost-keeper: cannot open the home directory");
  constexpr std::uint32_t kOwnDescriptors = 32;  // and what lies in messages being read
  options.pace.descriptors = take_privileges() - kOwnDescriptors;
  const char* switched = std::getenv("ROOST_WATCHDOG");
  options.pace.watchdog = switched == nullptr || std::strcmp(switched, "off") != 0;
  Table table;
  if (const char* reason = fill_table(options, table); reason != nullptr) {
    log_line(options.home_fd, "E keeper cannot take over its table", {});
    return say(1, reason);
  }
  table.header.lock_fd = options.lock_fd;
  if (options.table_fd >= 0) ::close(options.table_fd);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return say(1, "roost-keeper: no epoll");
  // Nothing trusts the file: a full disk is no reason to leave the apps alone.
  if (!write_pid_file(options.home_fd))
    log_line(options.home_fd, "W keeper cannot write keeper.pid", {});
  become_keeper();
  return Keeper(options, table, epoll).run();
}

}  // namespace
}  // namespace roost::keeper

int main(int argc, char** argv) {
  using namespace roost::keeper;
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    return say(0, "roost-keeper " ROOST_VERSION);
  }
  if (argc == 3 && std::strcmp(argv[1], "--check") == 0) return check(argv[2]);
  Options options;
  if (!parse(argc, argv, options)) {
    return say(kUsage, "usage: roost-keeper --home DIR --daemon PATH --lock-fd N (absolute paths)");
  }
  return start(options);
}
