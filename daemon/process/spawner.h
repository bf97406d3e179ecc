// Spawner: starts processes on a thread of its own, because clone, chdir, exec and user lookups may
// hang (a dead NFS mount hangs one spawn and those queued behind it, never the loop).
//
// One that nobody waits for, while that thread is idle, is begun by the loop's own and goes on by
// itself beside it, since to wake two threads costs as much as all the rest. What came of it is
// looked at when the loop wakes next.
//
// The child is a child of the keeper (CLONE_PARENT) and registers itself there, with pidfd and
// pipes, as its last act before exec: an app that runs is always registered.
// docs/design/process-tree.md has the sequence and what each failure leaves.
//
// A failure at SpawnStage::exec comes after the registration: the child _exits(127), so the keeper
// reports an exit of this run, which must be acknowledged like any other
// (SpawnFailure::registered).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include <sys/types.h>

#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "core/model/ids.h"
#include "core/model/label.h"
#include "daemon/process/originals.h"
#include "daemon/process/spawn_plan.h"

namespace roost::daemon {

// Where a spawn failed, in the order of the steps.
enum class SpawnStage : std::uint8_t {
  queue,
  user,
  pipe,
  clone,
  setup,
  memory,
  nice,
  rlimit,
  limits,
  identity,
  cwd,
  no_new_privs,
  register_run,
  exec
};
[[nodiscard]] std::string_view to_string(SpawnStage stage);

struct SpawnFailure {
  SpawnStage stage = SpawnStage::queue;
  int errnum = 0;
  Error error = {};  // says what, and in the hint what to do
  bool transient =
      false;  // want of resources (EAGAIN, ENOMEM, EMFILE…) or a text file busy: try again later
  bool registered = false;  // the keeper knows the run and will report its exit (127)
};

struct SpawnResult {
  model::RunId run{};
  model::RunLabel
      label;  // as the keeper has it (pid set, start_ticks 0 there), plus start_ticks here
  pid_t pid = 0;
  UniqueFd pidfd;    // set whenever a process came to be, also when exec failed
  UniqueFd out;      // read ends, non-blocking, close-on-exec; only on success, and when the plan's
  UniqueFd err;      // take_output is empty; of a plan with a terminal AppTerminal::pipe and master
  UniqueFd channel;  // the daemon's end, likewise; of a plan that has one
  bool output_taken = false;  // the plan's take_output was called, which may be so of a failure too
  std::optional<AppPipes> pipes{};  // of a plan that keeps them, where there were descriptors
  std::uint64_t out_pipe = 0;       // inode numbers of the pipes
  std::uint64_t err_pipe = 0;
  std::optional<SpawnFailure> failure;  // nothing = the program runs
};

struct SpawnerOptions {
  int keeper_fd = -1;  // SOCK_SEQPACKET to the keeper, ≥ kScratchFds; must stay open as long as the
                       // Spawner lives
  int keeper_bell = -1;  // KeeperLink::bell(), likewise; -1 = the keeper watches the socket
  Originals originals;
  // Runs a function on the loop's thread; called from the spawner's thread (Loop::post_later with
  // the patience of the plan).
  std::function<void(std::function<void()>, Duration patience)> post;
  // Loop thread: runs a function there as the first thing when the loop wakes next (within the
  // patience of the plan); false, and nothing done, where somebody looks on
  // (Loop::at_next_wake). Empty: nothing is begun by the loop.
  std::function<bool(std::function<void()>)> at_next_wake = {};
  // An eventfd that wakes the loop: the child rings when it cannot come to its program. -1 = none
  int loop_bell = -1;
};

class Spawner {
 public:
  using Done = std::function<void(SpawnResult)>;

  // Requires reserve_scratch_fds() before. Starts the thread.
  explicit Spawner(SpawnerOptions options);
  // Waits for the spawn in hand (which may hang as long as the system call does) and forgets those
  // not begun: their `done` is not called.
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  // Loop thread. Never blocks. `done` runs on the loop's thread, exactly once unless the Spawner is
  // destroyed before. At most limits::kMaxInstances wait; more fail at SpawnStage::queue.
  void spawn(SpawnPlan plan, Done done);
  [[nodiscard]] std::size_t waiting() const;
  // Whether some SpawnPlan::settled is still to be called.
  [[nodiscard]] bool busy() const;
  // Loop thread: concludes what the loop has begun (`settled` and `done` are called), or leaves it
  // to the thread when it takes its time.
  void settle();
  // In the same queue, for what may hang as a start may: `work` on the spawner's thread, then
  // `done` on the loop's.
  void run(std::function<void()> work, std::function<void()> done);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace roost::daemon
