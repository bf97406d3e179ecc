// Two processes: the parent plays the keeper; the child runs the tests and is the daemon, whose
// children become the keeper's. Descriptors 0-2 belong to the spawner, so doctest writes elsewhere.
#define DOCTEST_CONFIG_IMPLEMENT
#include <cstdio>
#include <ostream>
#include <streambuf>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/process/scratch_fds.h"
#include "tests/unit/process/test_keeper.h"

extern "C" void __sanitizer_set_report_fd(void* fd) __attribute__((weak));

namespace roost::daemon::test {
namespace {

KeeperLink* g_keeper = nullptr;

class FdBuffer : public std::streambuf {
 public:
  explicit FdBuffer(int fd) : fd_(fd) {}

 protected:
  int overflow(int c) override {
    const char byte = static_cast<char>(c);
    return ::write(fd_, &byte, 1) == 1 ? c : EOF;
  }

  std::streamsize xsputn(const char* text, std::streamsize size) override {
    return ::write(fd_, text, static_cast<std::size_t>(size));
  }

 private:
  int fd_;
};

int run_tests(int argc, char** argv, int socket) {
  const int output = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);
  const int errors = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
  if (__sanitizer_set_report_fd != nullptr)
    __sanitizer_set_report_fd(reinterpret_cast<void*>(static_cast<long>(errors)));
  const auto raised = raise_fd(socket);
  if (!raised || !reserve_scratch_fds()) return 99;
  KeeperLink link(*raised);
  g_keeper = &link;
  FdBuffer buffer(output);
  std::ostream stream(&buffer);
  doctest::Context context(argc, argv);
  context.setCout(&stream);
  const int status = context.run();
  stream.flush();
  return status;
}

}  // namespace

KeeperLink& test_keeper() {
  return *g_keeper;
}

}  // namespace roost::daemon::test

int main(int argc, char** argv) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return 99;
  const pid_t tests = ::fork();
  if (tests < 0) return 99;
  if (tests == 0) {
    ::close(pair[0]);
    return roost::daemon::test::run_tests(argc, argv, pair[1]);
  }
  ::close(pair[1]);
  return roost::daemon::test::serve_as_keeper(pair[0], tests);
}
