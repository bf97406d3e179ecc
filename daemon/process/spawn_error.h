// Words for what went wrong in a spawn. Pure but for a look at the file system for the hint.
#pragma once

#include "daemon/process/spawn_plan.h"
#include "daemon/process/spawner.h"

namespace roost::daemon {

[[nodiscard]] SpawnFailure make_spawn_failure(const SpawnPlan& plan, SpawnStage stage, int errnum,
                                              std::size_t limit = 0);
// Whether trying again later may help.
[[nodiscard]] bool is_transient(int errnum);

}  // namespace roost::daemon
