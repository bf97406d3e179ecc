// Descriptors 0–15 of roostd belong to the spawner. The child shares the daemon's descriptor table
// until just before exec and builds its 0–2 in it, so nothing else of roostd may live there.
#pragma once

#include "core/base/result.h"

namespace roost::daemon {

inline constexpr int kScratchFds = 16;

// First thing in main, before any descriptor of worth is opened: puts /dev/null (close-on-exec, but
// for 0-2) on
// every free descriptor below kScratchFds. Descriptors that are open are left alone (the keeper's
// socket and the lock come in on 3 and 4): move them with raise_fd.
[[nodiscard]] Status reserve_scratch_fds();
// Moves a descriptor to a number ≥ kScratchFds (close-on-exec) and leaves /dev/null in its old
// place. ≥ kScratchFds already: returned as it is, with close-on-exec set.
[[nodiscard]] Result<int> raise_fd(int fd);

}  // namespace roost::daemon
