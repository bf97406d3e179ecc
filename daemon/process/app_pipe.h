// The pipe between an app's stdout or stderr and the daemon.
#pragma once

#include <sys/types.h>

#include "core/base/result.h"
#include "core/base/unique_fd.h"

namespace roost::daemon {

struct AppPipe {
  UniqueFd read;  // the daemon's end: non-blocking
  // The app's end: blocking, opened for reading and writing, so that the app gets neither SIGPIPE
  // nor EPIPE while nobody reads (docs/adr/0011-app-pipes-are-read-write.md).
  UniqueFd app;
};

struct AppPipes {
  AppPipe out;
  AppPipe err;
};

// /proc/self/fd, so that nobody walks there for each pipe; none without /proc.
[[nodiscard]] UniqueFd open_own_descriptors();

// Both close-on-exec. errno is told by the Error's caller through `errnum`.
[[nodiscard]] Result<AppPipe> make_app_pipe(int own_descriptors, int& errnum);

[[nodiscard]] bool is_empty(const AppPipe& pipe);
// The app's end once more, for another process: a description of its own, so that it shares no
// flags with who may still have the first. None where it cannot be had.
[[nodiscard]] UniqueFd open_again(const AppPipe& pipe, int own_descriptors);
// Whether nobody has given it to others.
[[nodiscard]] bool is_still_ours(const AppPipe& pipe);

// Gives the app's end (of a pipe or a terminal) to the app's user, or opening /dev/stdout would be
// denied to it.
[[nodiscard]] Status give_to_user(int end, uid_t uid, gid_t gid);

}  // namespace roost::daemon
