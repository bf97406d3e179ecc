#include "daemon/process/tree_sweep.h"

#include <algorithm>
#include <csignal>
#include <set>
#include <utility>
#include <vector>

#include "core/loop/loop.h"
#include "core/loop/poll.h"
#include "core/loop/timer.h"
#include "core/loop/worker.h"
#include "daemon/process/tree_signal.h"

namespace roost::daemon {
namespace {

constexpr std::size_t kMaxWatched =
    64;                            // pidfds held by one sweep; the rest is seen by the next look
constexpr Duration kGiveUp = 5s;   // after the first SIGKILL
constexpr Duration kRetry = 50ms;  // only when neither worker nor a pidfd can be had

// What a look found, and the pidfds of (the first of) those alive.
struct Look {
  TreeSignal tree;
  std::vector<UniqueFd> pidfds;
};

enum class Phase : std::uint8_t { asking, killing };

Look look(const TreeRoot& root, Phase phase, TreeMemory memory, std::int64_t asked_ns) {
  Look result;
  if (phase == Phase::asking) {
    result.tree = signal_tree(root, SIGTERM, Resend::only_new, std::move(memory), asked_ns);
  } else {
    result.tree = signal_tree(root, SIGKILL, Resend::everyone, std::move(memory), asked_ns);
    // Those that were forked meanwhile; without a cgroup the next look finds them.
    (void)kill_lane(root.lane, root.keeper);
  }
  for (const auto& id : result.tree.alive) {
    if (result.pidfds.size() == kMaxWatched) break;
    if (UniqueFd pidfd = open_pidfd(id)) result.pidfds.push_back(std::move(pidfd));
  }
  return result;
}

}  // namespace

class TreeSweep::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(loop::Loop& loop, loop::Worker& worker, TreeRoot root, TreeMemory memory, Done done)
      : loop_(loop),
        worker_(worker),
        root_(std::move(root)),
        memory_(std::move(memory)),
        done_(std::move(done)),
        deadline_(loop, [this] { kill_now(); }),
        give_up_(loop, [this] { finish(static_cast<int>(alive_)); }),
        retry_(loop, [this] { start_look(); }) {}

  void start(TimePoint kill_deadline) {
    if (root_.lane && !is_populated(root_.lane)) {
      loop_.defer([weak = weak_from_this()] {
        if (auto self = weak.lock()) self->finish(0);
      });
      return;
    }
    const Duration left = kill_deadline - loop_.now();  // timers count from there
    if (left <= 0s) return kill_now();
    deadline_.start(left);
    start_look();
  }

  void kill_now() {
    if (finished_ || phase_ == Phase::killing) return;
    phase_ = Phase::killing;
    deadline_.cancel();
    give_up_.start(kGiveUp);
    start_look();
  }

 private:
  // The pidfd is closed after its Poll.
  struct Watch {
    UniqueFd pidfd;
    loop::Poll poll;
  };

  // At most one look is under way; one asked for meanwhile follows it.
  void start_look() {
    if (finished_) return;
    if (looking_) {
      look_again_ = true;
      return;
    }
    watches_.clear();
    look_again_ = false;
    auto found = std::make_shared<Look>();
    const auto submitted = worker_.submit(
        [found, root = root_, phase = phase_, memory = memory_,
         asked = to_ns(Monotonic::now())]() mutable {
          *found = look(root, phase, std::move(memory), asked);
        },
        [weak = weak_from_this(), found, phase = phase_] {
          if (auto self = weak.lock()) self->on_looked(std::move(*found), phase);
        });
    looking_ = submitted.has_value();
    if (!looking_) retry_.start(kRetry);
  }

  void on_looked(Look found, Phase phase) {
    looking_ = false;
    if (finished_) return;
    memory_ = std::move(found.tree.memory);
    alive_ = found.tree.alive.size();
    count(found.tree.signalled, phase);
    if (alive_ == 0) return finish(0);
    if (look_again_) return start_look();
    watch(std::move(found.pidfds));
  }

  void count(const std::vector<ProcessId>& signalled, Phase phase) {
    if (phase == Phase::asking) result_.signalled += static_cast<int>(signalled.size());
    if (phase == Phase::killing) killed_.insert(signalled.begin(), signalled.end());
  }

  void watch(std::vector<UniqueFd> pidfds) {
    for (auto& pidfd : pidfds) {
      const int fd = pidfd.get();
      auto watch = std::make_unique<Watch>(
          Watch{std::move(pidfd), loop::Poll(loop_, fd, [this, fd](unsigned) { on_death(fd); })});
      if (watch->poll.start(loop::Poll::readable)) watches_.push_back(std::move(watch));
    }
    if (watches_.empty()) retry_.start(kRetry);  // no descriptor left to wait with
  }

  void on_death(int fd) {
    std::erase_if(watches_, [fd](const auto& watch) { return watch->pidfd.get() == fd; });
    if (watches_.empty()) start_look();
  }

  void finish(int survivors) {
    if (std::exchange(finished_, true)) return;
    const auto self = shared_from_this();  // `done` may destroy the TreeSweep
    watches_.clear();
    deadline_.cancel();
    give_up_.cancel();
    retry_.cancel();
    result_.killed = static_cast<int>(killed_.size());
    result_.survivors = survivors;
    std::exchange(done_, nullptr)(result_);
  }

  loop::Loop& loop_;
  loop::Worker& worker_;
  const TreeRoot root_;
  TreeMemory memory_;
  Done done_;
  loop::Timer deadline_;
  loop::Timer give_up_;
  loop::Timer retry_;
  Phase phase_ = Phase::asking;
  bool looking_ = false;
  bool look_again_ = false;
  bool finished_ = false;
  std::size_t alive_ = 0;  // at the last look
  std::set<ProcessId> killed_;
  std::vector<std::unique_ptr<Watch>> watches_;
  SweepResult result_;
};

TreeSweep::TreeSweep(loop::Loop& loop, loop::Worker& worker, TreeRoot root, TreeMemory memory,
                     TimePoint kill_deadline, Done done)
    : impl_(std::make_shared<Impl>(loop, worker, std::move(root), std::move(memory),
                                   std::move(done))) {
  impl_->start(kill_deadline);
}

TreeSweep::~TreeSweep() = default;

void TreeSweep::kill_now() {
  impl_->kill_now();
}

}  // namespace roost::daemon
