#include "daemon/process/app_pipe.h"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace roost::daemon {

namespace {

// Most apps write little, many nothing: the pump makes it larger at the first byte. What a pipe
// can hold costs kernel memory while it is empty, too.
constexpr int kFirstPipeBytes = 16 << 10;
constexpr mode_t kPipeMode = 0600;  // of the kernel's pipes
constexpr mode_t kPermissions = 07777;

}  // namespace

UniqueFd open_own_descriptors() {
  return UniqueFd(::open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

Result<AppPipe> make_app_pipe(int own_descriptors, int& errnum) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    errnum = errno;
    return errno_error("pipe", errnum);
  }
  AppPipe pipe{.read = UniqueFd(ends[0]), .app = UniqueFd(ends[1])};
  const std::string again = std::to_string(ends[0]);
  UniqueFd both(::openat(own_descriptors, again.c_str(), O_RDWR | O_CLOEXEC));
  if (both) {
    pipe.app = std::move(both);                           // blocking: a description of its own
  } else if (::fcntl(pipe.app.get(), F_SETFL, 0) != 0) {  // without /proc the plain end must do
    errnum = errno;
    return errno_error("pipe", errnum);
  }
  (void)::fcntl(pipe.read.get(), F_SETPIPE_SZ, kFirstPipeBytes);  // else as large as it came
  return pipe;
}

bool is_empty(const AppPipe& pipe) {
  int waiting = 0;
  return ::ioctl(pipe.read.get(), FIONREAD, &waiting) == 0 && waiting == 0;
}

UniqueFd open_again(const AppPipe& pipe, int own_descriptors) {
  const std::string again = std::to_string(pipe.app.get());
  return UniqueFd(::openat(own_descriptors, again.c_str(), O_RDWR | O_CLOEXEC));
}

bool is_still_ours(const AppPipe& pipe) {
  struct stat info {};

  return ::fstat(pipe.app.get(), &info) == 0 && info.st_uid == ::geteuid() &&
         (info.st_mode & kPermissions) == kPipeMode;
}

Status give_to_user(int end, uid_t uid, gid_t gid) {
  if (::fchown(end, uid, gid) != 0) return errno_error("pipe", errno);
  return ok();
}

}  // namespace roost::daemon
