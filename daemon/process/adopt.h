// Finds the runs of a home again when keeper and daemon are both gone: by ROOST_ID in
// /proc/PID/environ, or by what the database remembers. Blocking; for a Worker or for start-up.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "daemon/process/lanes.h"
#include "daemon/process/proc_snapshot.h"
#include "daemon/process/run_key.h"

namespace roost::daemon {

struct FoundRun {
  RunKey key;
  ProcessId id;
  Lane lane;       // where it lives, if it has one of this home
  UniqueFd pidfd;  // surely of `id`
  // New read ends of the run's own pipes (non-blocking): what was written meanwhile is still in
  // them. Empty when the descriptor is not roost's pipe (the app replaced it) or may not be opened.
  UniqueFd out;
  UniqueFd err;
};

struct FoundRuns {
  std::vector<FoundRun> runs;   // main processes that live
  std::vector<RoostId> strays;  // runs of which only descendants live (root_pid is dead), each once
};

[[nodiscard]] FoundRuns find_runs(std::string_view home_id);
// A run known from elsewhere: whether that very process still lives (same boot, same start time),
// with its pipes. For apps that overwrite their environment. Errc::not_found when it is gone.
[[nodiscard]] Result<FoundRun> reopen(const RunKey& key, const ProcessId& id,
                                      const std::array<std::uint8_t, 16>& boot_id);

}  // namespace roost::daemon
