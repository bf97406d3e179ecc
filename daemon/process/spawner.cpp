#include "daemon/process/spawner.h"

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "core/model/limits.h"
#include "daemon/process/spawn_attempt.h"

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

// What is begun is the loop thread's until it is concluded or handed over; the bench belongs to it,
// or else to the thread while that is at work.
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

  // The memory of a child that is on its way is here.
  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    if (begun_) (void)begun_->attempt->end();
    for (Job& job : jobs_)
      if (job.attempt) (void)job.attempt->end();
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void spawn(SpawnPlan plan, Done done) {
    Job job;
    job.plan = std::move(plan);
    job.done = std::move(done);
    job.settled = std::move(job.plan.settled);
    if (begin(job)) return;
    hand_over();
    std::unique_lock lock(mutex_);
    if (jobs_.size() < model::limits::kMaxInstances) {
      jobs_.push_back(std::move(job));
      ++spawns_;
      lock.unlock();
      return wake_.notify_one();
    }
    lock.unlock();
    SpawnResult refused;
    refused.run = job.plan.label.run;
    refused.label = job.plan.label;
    refused.failure = SpawnFailure{
        .stage = SpawnStage::queue,
        .error = {Errc::unavailable, "too many starts are waiting", "kMaxInstances are queued"},
        .transient = true};
    deliver(std::move(job.done), std::move(refused), Duration::zero());
  }

  void run(std::function<void()> work, std::function<void()> done) {
    Job job;
    job.other = [this, work = std::move(work), done = std::move(done)] {
      work();
      options_.post(done, Duration::zero());
    };
    enqueue(std::move(job));
  }

  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }

  bool busy() {
    const std::lock_guard lock(mutex_);
    return spawns_ > 0;
  }

  void settle() {
    if (!begun_) return;
    if (!begun_->attempt->is_over()) return hand_over();
    const Job job = *std::exchange(begun_, {});
    SpawnResult result = job.attempt->end();
    count_down();
    if (job.settled) job.settled(result, true);
    job.done(std::move(result));
  }

 private:
  struct Job {
    SpawnPlan plan{};
    Done done{};
    std::function<void(const SpawnResult&, bool)> settled{};
    std::shared_ptr<SpawnAttempt> attempt{};  // begun by the loop
    std::function<void()> other{};            // instead of a spawn
  };

  // On the loop's thread, beside the child: for one that nobody waits for, while the spawner's
  // thread is idle and need not be woken.
  bool begin(Job& job) {
    if (begun_ || job.plan.patience == Duration::zero() || !options_.at_next_wake) return false;
    {
      const std::lock_guard lock(mutex_);
      if (bench_ == nullptr || spawns_ > 0 || !jobs_.empty()) return false;
      ++spawns_;
    }
    finish_plan(job.plan);
    if (!SpawnAttempt::can_begin(job.plan) ||
        !options_.at_next_wake([this, alive = std::weak_ptr(alive_)] {
          if (!alive.expired()) settle();
        })) {
      count_down();
      return false;
    }
    job.attempt = std::make_shared<SpawnAttempt>(*bench_, options_, std::exchange(job.plan, {}));
    const bool begun = job.attempt->begin();
    begun_.emplace(std::move(job));
    if (!begun) hand_over();  // a failure does not wait
    return true;
  }

  // What is begun comes first, and may take its time there.
  void hand_over() {
    if (begun_) enqueue(*std::exchange(begun_, {}));
  }

  void enqueue(Job job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
  }

  void work() {
    (void)make_bench();
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
      const Duration patience = job.plan.patience;
      SpawnResult result = job.attempt ? job.attempt->end() : spawn_now(std::move(job.plan));
      const bool more_follow = count_down() > 0;
      if (job.settled) job.settled(result, more_follow);
      deliver(std::move(job.done), std::move(result), patience);
    }
  }

  SpawnResult spawn_now(SpawnPlan plan) {
    finish_plan(plan);
    const Status made = make_bench();
    return made ? SpawnAttempt(*bench_, options_, std::move(plan)).run()
                : refuse(plan, made.error());
  }

  // Again at the next spawn: want of descriptors passes.
  Status make_bench() {
    if (bench_ != nullptr) return ok();
    Result<SpawnBench> made = SpawnBench::make();
    if (!made) return std::move(made).error();
    const std::lock_guard lock(mutex_);
    bench_ = std::make_unique<SpawnBench>(std::move(*made));
    return ok();
  }

  std::size_t count_down() {
    const std::lock_guard lock(mutex_);
    return --spawns_;
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
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  std::optional<Job> begun_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;               // guarded by mutex_
  std::size_t spawns_ = 0;             // waiting, in hand or begun, guarded by mutex_
  bool stopping_ = false;              // guarded by mutex_
  std::unique_ptr<SpawnBench> bench_;  // once made, it stays
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

void Spawner::settle() {
  impl_->settle();
}

}  // namespace roost::daemon
