// Takes the place of daemon/process/spawner.cpp: no process ever comes to be. Every second start
// fails for want of resources, the others for good.
#include <cerrno>
#include <utility>

#include "daemon/process/spawner.h"

namespace roost::daemon {

std::string_view to_string(SpawnStage /*stage*/) {
  return "fuzz";
}

class Spawner::Impl {
 public:
  explicit Impl(SpawnerOptions options) : options_(std::move(options)) {}

  void spawn(SpawnPlan plan, Done done) {
    finish_plan(plan);
    auto result = std::make_shared<SpawnResult>();
    result->run = plan.label.run;
    result->label = plan.label;
    const bool transient = count_++ % 2 == 0;
    result->failure = SpawnFailure{.stage = SpawnStage::clone,
                                   .errnum = transient ? EAGAIN : EACCES,
                                   .error = {Errc::io, "no process here", {}},
                                   .transient = transient};
    if (plan.settled) plan.settled(*result, false);
    options_.post([call = std::move(done), result] { call(std::move(*result)); }, Duration::zero());
  }

  void run(const std::function<void()>& work, std::function<void()> done) {
    work();
    options_.post(std::move(done), Duration::zero());
  }

 private:
  SpawnerOptions options_;
  unsigned count_ = 0;
};

Spawner::Spawner(SpawnerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Spawner::~Spawner() = default;

void Spawner::spawn(SpawnPlan plan, Done done) {
  impl_->spawn(std::move(plan), std::move(done));
}

void Spawner::run(std::function<void()> work, std::function<void()> done) {
  impl_->run(work, std::move(done));
}

void Spawner::settle() {}

bool Spawner::busy() const {
  return false;
}

std::size_t Spawner::waiting() const {
  return 0;
}

}  // namespace roost::daemon
