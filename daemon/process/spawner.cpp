#include "daemon/process/spawner.h"

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "core/model/limits.h"
#include "daemon/process/spawn_once.h"

namespace roost::daemon {

std::string_view to_string(SpawnStage stage) {
  switch (stage) {
    case SpawnStage::queue:
      return "queue";
    case SpawnStage::user:
      return "user";
    case SpawnStage::pipe:
      return "pipe";
    case SpawnStage::clone:
      return "clone";
    case SpawnStage::setup:
      return "setup";
    case SpawnStage::memory:
      return "memory";
    case SpawnStage::nice:
      return "nice";
    case SpawnStage::rlimit:
      return "rlimit";
    case SpawnStage::no_new_privs:
      return "no_new_privs";
    case SpawnStage::limits:
      return "limits";
    case SpawnStage::identity:
      return "identity";
    case SpawnStage::cwd:
      return "cwd";
    case SpawnStage::register_run:
      return "register";
    case SpawnStage::exec:
      return "exec";
  }
  return "unknown";
}

class Spawner::Impl {
 public:
  explicit Impl(SpawnerOptions options) : options_(std::move(options)) {
    // The thread is born with all signals blocked: they are for the loop's thread.
    sigset_t all;
    sigset_t old;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &old);
    thread_ = std::thread([this] { work(); });
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void spawn(SpawnPlan plan, Done done) {
    std::unique_lock lock(mutex_);
    if (jobs_.size() < model::limits::kMaxInstances) {
      auto settled = std::move(plan.settled);
      jobs_.push_back({std::move(plan), std::move(done), std::move(settled), {}});
      ++spawns_;
      lock.unlock();
      return wake_.notify_one();
    }
    lock.unlock();
    SpawnResult refused;
    refused.run = plan.label.run;
    refused.label = plan.label;
    refused.failure = SpawnFailure{
        .stage = SpawnStage::queue,
        .error = {Errc::unavailable, "too many starts are waiting", "kMaxInstances are queued"},
        .transient = true};
    deliver(std::move(done), std::move(refused), Duration::zero());
  }

  void run(std::function<void()> work, std::function<void()> done) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back({{}, {}, {}, [this, work = std::move(work), done = std::move(done)] {
                         work();
                         options_.post(done, Duration::zero());
                       }});
    }
    wake_.notify_one();
  }

  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }

  bool busy() {
    const std::lock_guard lock(mutex_);
    return spawns_ > 0;
  }

 private:
  struct Job {
    SpawnPlan plan;
    Done done;
    std::function<void(const SpawnResult&, bool)> settled;
    std::function<void()> other;  // instead of a spawn
  };

  void work() {
    auto bench = SpawnBench::make();
    while (true) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      if (job.other) {
        job.other();
        continue;
      }
      if (!bench) bench = SpawnBench::make();  // want of descriptors passes
      const Duration patience = job.plan.patience;
      finish_plan(job.plan);
      SpawnResult result = bench ? spawn_once(*bench, options_, std::move(job.plan))
                                 : refuse(job.plan, bench.error());
      lock.lock();
      const bool more_follow = --spawns_ > 0;
      lock.unlock();
      if (job.settled) job.settled(result, more_follow);
      deliver(std::move(job.done), std::move(result), patience);
    }
  }

  static SpawnResult refuse(const SpawnPlan& plan, const Error& error) {
    SpawnResult result;
    result.run = plan.label.run;
    result.label = plan.label;
    result.failure = SpawnFailure{.stage = SpawnStage::setup, .error = error, .transient = true};
    return result;
  }

  // A failure has to be acted upon.
  void deliver(Done done, SpawnResult result, Duration patience) {
    if (result.failure) patience = Duration::zero();
    // A std::function must be copyable, a result is not.
    auto shared = std::make_shared<SpawnResult>(std::move(result));
    options_.post([call = std::move(done), shared] { call(std::move(*shared)); }, patience);
  }

  const SpawnerOptions options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;    // guarded by mutex_
  std::size_t spawns_ = 0;  // waiting or in hand, guarded by mutex_
  bool stopping_ = false;   // guarded by mutex_
  std::thread thread_;
};

Spawner::Spawner(SpawnerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Spawner::~Spawner() = default;

void Spawner::spawn(SpawnPlan plan, Done done) {
  impl_->spawn(std::move(plan), std::move(done));
}

void Spawner::run(std::function<void()> work, std::function<void()> done) {
  impl_->run(std::move(work), std::move(done));
}

std::size_t Spawner::waiting() const {
  return impl_->waiting();
}

bool Spawner::busy() const {
  return impl_->busy();
}

}  // namespace roost::daemon
