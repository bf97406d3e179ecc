// roostd: started by roost-keeper with its socket on descriptor 3 and the home's lock on 4.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/process/scratch_fds.h"
#include "keeper/protocol.h"

namespace roost::daemon {
namespace {

int fail(const Error& error) {
  log_error("daemon", error.message);
  std::fprintf(stderr, "roostd: %s\n", error.message.c_str());
  return 1;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);  // what it stays at is what the capacity check reads
}

// The table of descriptors is made large before there are threads: to enlarge one that is shared
// the kernel waits for all processors (synchronize_rcu), 10 to 30 ms, in whatever needs the
// descriptor.
void enlarge_descriptor_table() {
  constexpr int kDescriptors = 1024;  // 8 KiB; some 300 apps
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const int last = static_cast<int>(std::min<rlim_t>(kDescriptors, limit.rlim_cur)) - 1;
  const int fd = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, last);
  if (fd >= 0) ::close(fd);
}

Originals originals_from_keeper() {
  const char* text = std::getenv(keeper::kOriginalVariable);
  const Result<Originals> parsed = parse_originals(text != nullptr ? text : "");
  return parsed ? *parsed : read_originals();
}

int run(const char* home) {
  Originals originals = originals_from_keeper();
  if (Status reserved = reserve_scratch_fds(); !reserved) return fail(reserved.error());
  const Result<int> socket = raise_fd(keeper::kDaemonSocketFd);
  const Result<int> lock = raise_fd(keeper::kDaemonLockFd);
  if (!socket || !lock) return fail(socket ? lock.error() : socket.error());
  ::umask(077);
  raise_descriptor_limit();
  enlarge_descriptor_table();
  ::prctl(PR_SET_NAME, "roostd");
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);

  Result<ipc::Paths> paths = ipc::paths_for_home(home);
  if (!paths) return fail(paths.error());
  if (Status made = ipc::ensure_home(*paths); !made) return fail(made.error());
  // Supervision does not depend on it: no room, no permission, a directory of its name.
  if (Status opened = open_log(paths->daemon_log()); !opened)
    std::fprintf(stderr, "roostd: going on without a log: %s\n", opened.error().message.c_str());
  if (Status noted =
          write_file_atomic(paths->roostd_pid(), std::to_string(::getpid()) + "\n", 0600);
      !noted)
    log_warning("daemon", noted.error().message);
  Daemon daemon({.paths = std::move(*paths),
                 .keeper_socket = UniqueFd(*socket),
                 .lock = UniqueFd(*lock),
                 .originals = originals});
  return daemon.run();
}

}  // namespace
}  // namespace roost::daemon

int main(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first == "--version") {
    std::puts("roostd " ROOST_VERSION);
    return 0;
  }
  if (argc != 3 || first != "--home") {
    std::fputs("roostd is started by roost-keeper: roostd --home DIR\nUse the command: roost\n",
               stderr);
    return 2;
  }
  try {
    return roost::daemon::run(argv[2]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "roostd: %s\n", e.what());
    return 1;
  }
}
