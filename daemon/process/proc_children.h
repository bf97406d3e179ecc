// The children of a process, as the kernel lists them: /proc/PID/task/TID/children, proc(5).
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <sys/types.h>

namespace roost::daemon {

// Of all its threads, each of which has its own; zombies too. Nothing where that cannot be told:
// the process or a thread has ended meanwhile, or the kernel has no such files. Any thread.
[[nodiscard]] std::optional<std::vector<pid_t>> children_of(pid_t pid);

// The living descendants of a process by parentage, at most `most`; what was reparented is not
// found. Any thread.
[[nodiscard]] std::vector<pid_t> descendants(pid_t root, std::size_t most);

}  // namespace roost::daemon
