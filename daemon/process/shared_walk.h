// SharedWalk: one walk of /proc for all who wait for one. A walk costs tens of milliseconds on a
// machine with thousands of processes, and `stop all` asks for a thousand at once.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "daemon/process/proc_snapshot.h"

namespace roost::daemon {

class SharedWalk {
 public:
  // A snapshot whose reading began at `asked_ns` (CLOCK_MONOTONIC) or later: the last one, or a new
  // one. Any thread; blocks.
  [[nodiscard]] std::shared_ptr<const ProcSnapshot> read(Scope scope, pid_t keeper,
                                                         std::int64_t asked_ns);

 private:
  std::mutex mutex_;
  std::shared_ptr<const ProcSnapshot> last_;  // guarded by mutex_, as is what follows
  Scope scope_ = Scope::keeper_tree;
  pid_t keeper_ = 0;
};

}  // namespace roost::daemon
