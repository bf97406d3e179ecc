// Which processes belong to a run, beyond its main process. Pure: a function of a snapshot and of
// what is known of the run.
//
// A process belongs to a run when it is a descendant of the keeper (orphans are reparented there)
// and
//   is in the parentage of the run's main process or of a process that was seen to belong, or
//   is in a session or process group of one of these, or
//   carries the run's ROOST_ID (or, of a foreign run, one with the pid of its main process), or
//   holds the run's stdout or stderr pipe.
// Never: the keeper, this daemon, anything older than the run's main process, anything with the
// ROOST_ID of another run.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <sys/types.h>

#include "daemon/process/lanes.h"
#include "daemon/process/proc_snapshot.h"
#include "daemon/process/run_key.h"

namespace roost::daemon {

class SharedWalk;

struct TreeRoot {
  RunKey key;
  ProcessId main;  // may be dead; start_ticks 0 = unknown
  pid_t keeper = 0;
  pid_t self = 0;        // this daemon
  bool foreign = false;  // not a child of this keeper: its descendants may be anywhere
  Lane lane;
  std::uint64_t out_pipe = 0;  // pipe_inode() of the run's read ends; 0 = unknown
  std::uint64_t err_pipe = 0;
  std::shared_ptr<SharedWalk>
      walk;  // one for all runs of the daemon; null = a walk for this one alone
};

// Members of a run seen so far, so that one whose parent has died meanwhile is still recognised.
// Bounded by limits::kMaxTreeProcesses. A value: copied into a worker and back.
class TreeMemory {
 public:
  void remember(const std::vector<ProcessId>& members);
  void note_signalled(const std::vector<ProcessId>& members);
  [[nodiscard]] bool knows(const ProcessId& id) const;
  [[nodiscard]] bool was_signalled(const ProcessId& id) const;

  [[nodiscard]] const std::vector<ProcessId>& members() const { return members_; }

 private:
  std::vector<ProcessId> members_;    // sorted, unique
  std::vector<ProcessId> signalled_;  // sorted, unique
};

// Living members (zombies are left out), main process first when it lives, at most
// limits::kMaxTreeProcesses.
[[nodiscard]] std::vector<ProcessId> find_tree(const ProcSnapshot& snapshot, const TreeRoot& root,
                                               const TreeMemory& memory);

}  // namespace roost::daemon
