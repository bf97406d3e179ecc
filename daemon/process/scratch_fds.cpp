#include "daemon/process/scratch_fds.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace roost::daemon {

Status reserve_scratch_fds() {
  while (true) {
    const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0) return errno_error("open '/dev/null'", errno);
    if (fd <= STDERR_FILENO) (void)::fcntl(fd, F_SETFD, 0);  // 0-2 are there after any exec
    if (fd < kScratchFds) continue;  // the lowest free number: stays as it is
    ::close(fd);
    return ok();
  }
}

Result<int> raise_fd(int fd) {
  if (fd >= kScratchFds) {
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return errno_error("descriptor", errno);
    return fd;
  }
  const int raised = ::fcntl(fd, F_DUPFD_CLOEXEC, kScratchFds);
  if (raised < 0) return errno_error("move a descriptor", errno);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || ::dup3(null, fd, O_CLOEXEC) < 0) {
    const int error = errno;
    ::close(raised);
    if (null >= 0) ::close(null);
    return errno_error("open '/dev/null'", error);
  }
  ::close(null);
  return raised;
}

}  // namespace roost::daemon
