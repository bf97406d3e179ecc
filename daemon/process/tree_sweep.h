// TreeSweep: makes the last of a run's processes go away. Found in a Worker; those that were not
// signalled yet get SIGTERM; their ends are events (pidfds on the loop); at the deadline SIGKILL to
// all (cgroup.kill where possible), repeated until none is left. Gives up, and says so in the
// result, when something survives SIGKILL for 5 s (stuck in the kernel).
//
// Loop thread. Destroying it is safe at any time, in `done` too; then `done` is not called any more
// and survivors live on.
#pragma once

#include <functional>
#include <memory>

#include "core/base/time.h"
#include "daemon/process/process_tree.h"

namespace roost::loop {
class Loop;
class Worker;
}  // namespace roost::loop

namespace roost::daemon {

struct SweepResult {
  int signalled = 0;  // processes that got SIGTERM from this sweep
  int killed = 0;     // processes that needed SIGKILL
  int survivors = 0;  // still there when it gave up; 0 = all gone
};

class TreeSweep {
 public:
  using Done = std::function<void(SweepResult)>;

  // `done` is called exactly once, never from inside the constructor. At a deadline that has passed
  // SIGKILL comes at once. Without anything to sweep (a lane that is empty) it is done in the next
  // turn of the loop, without the worker. Loop and Worker must outlive it.
  TreeSweep(loop::Loop& loop, loop::Worker& worker, TreeRoot root, TreeMemory memory,
            TimePoint kill_deadline, Done done);
  ~TreeSweep();
  TreeSweep(const TreeSweep&) = delete;
  TreeSweep& operator=(const TreeSweep&) = delete;

  // Brings the deadline forward to now (a second, impatient stop).
  void kill_now();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace roost::daemon
