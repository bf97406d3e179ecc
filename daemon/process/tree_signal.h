// Signals the processes of a run, each checked through its own pidfd, so that a stranger who got a
// used number is never hit. Blocking (reads /proc); for a Worker, not for the loop's thread. The
// main process alone is signalled by its Run's pidfd.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/unique_fd.h"
#include "daemon/process/process_tree.h"

namespace roost::daemon {

struct TreeSignal {
  std::vector<ProcessId> signalled;  // got this signal now
  std::vector<ProcessId> alive;      // all members found, signalled or not
  TreeMemory memory;                 // the given one, plus what was found
};

enum class Resend : std::uint8_t {
  everyone,
  only_new
};  // only_new: those not yet noted as signalled in the memory

// Finds the members (lane ∪ walk; the lane alone where nobody was moved out of it) and sends `sig`
// (0: only find). A walk of root.walk that began at `asked_ns` (CLOCK_MONOTONIC; 0 = now) or later
// will do.
[[nodiscard]] TreeSignal signal_tree(const TreeRoot& root, int sig, Resend resend,
                                     TreeMemory memory, std::int64_t asked_ns = 0);

// A pidfd that surely is of this process, or none when that one is gone (or no descriptor is left:
// errno EMFILE).
[[nodiscard]] UniqueFd open_pidfd(const ProcessId& id);
// Through a pidfd checked as above; false when it is gone or may not be signalled.
[[nodiscard]] bool signal_process(const ProcessId& id, int sig);

}  // namespace roost::daemon
