// What /proc says about the processes of this machine at one moment: parsing (pure) and reading.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "core/base/result.h"
#include "daemon/process/run_key.h"

namespace roost::daemon {

// A pid alone names nobody: the number is used again. With the start time it names one process of
// this boot.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  // clock ticks since boot, field 22 of /proc/PID/stat
  friend auto operator<=>(const ProcessId&, const ProcessId&) = default;
};

struct ProcStat {
  ProcessId id;
  char state = '?';  // Z: zombie
  pid_t ppid = 0;
  pid_t pgid = 0;
  pid_t sid = 0;
};

struct ProcInfo {
  ProcStat stat;
  // Read only for processes that we may look into.
  std::optional<RoostId> roost_id = {};
  std::uint64_t out_pipe = 0;  // inode number when descriptor 1 or 2 is a pipe; 0 = none or unknown
  std::uint64_t err_pipe = 0;
};

struct ProcSnapshot {
  std::int64_t taken_ns =
      0;  // CLOCK_MONOTONIC, when reading began: everything alive before and after is in it
  std::vector<ProcInfo> processes;  // ascending pid; zombies included
};

// A line of /proc/PID/stat; the name in it may hold spaces and parentheses. Nothing when it is
// malformed.
[[nodiscard]] std::optional<ProcStat> parse_stat(std::string_view line);
// Whether a process whose environment was found empty has one all the same: it is in the middle of
// exec, or it was a moment ago.
[[nodiscard]] bool stat_tells_environment(std::string_view line);
// "pipe:[123]" → 123; anything else 0.
[[nodiscard]] std::uint64_t parse_pipe_link(std::string_view link);

enum class Scope : std::uint8_t {
  keeper_tree,  // the keeper and its descendants
  whole         // every process: after the keeper was killed, when ours are reparented
};

// Blocks (a few µs to 50 µs per process); not for the loop's thread. Only processes of our own uid
// unless we are root.
[[nodiscard]] ProcSnapshot read_processes(Scope scope, pid_t keeper);

// Nothing when there is no such process. A few microseconds.
[[nodiscard]] std::optional<ProcStat> read_stat(pid_t pid);
// The process that a pidfd holds. start_ticks is 0 when it is dead: the number may be somebody
// else's by now.
[[nodiscard]] ProcessId identify(pid_t pid, int pidfd);
// All zeros when it cannot be read.
[[nodiscard]] std::array<std::uint8_t, 16> read_boot_id();
// Inode number of a pipe held by descriptor `fd` of ours, 0 if it is none. Of the master of a
// terminal a number that no pipe has.
[[nodiscard]] std::uint64_t pipe_inode(int fd);

}  // namespace roost::daemon
