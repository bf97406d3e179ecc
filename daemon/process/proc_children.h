// The children of a process, as the kernel lists them.
#pragma once

#include <optional>
#include <vector>

#include <sys/types.h>

namespace roost::daemon {

// Of all its threads, each of which has its own (/proc/PID/task/TID/children, proc(5)); zombies
// too. Nothing where that cannot be told for the cost of a few looks: more than 32 threads, or a
// list that is larger than a page, or a kernel without such files. Any thread.
[[nodiscard]] std::optional<std::vector<pid_t>> children_of(pid_t pid);

}  // namespace roost::daemon
