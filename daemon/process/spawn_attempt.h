// SpawnAttempt: one spawn, from plan to running program.
#pragma once

#include <memory>

#include "daemon/process/spawn_bench.h"
#include "daemon/process/spawn_plan.h"
#include "daemon/process/spawner.h"

namespace roost::daemon {

// Has the bench to itself until end() has returned; so the attempts of a process come one after the
// other. `options` must outlive it.
class SpawnAttempt {
 public:
  // The plan is finished.
  SpawnAttempt(SpawnBench& bench, const SpawnerOptions& options, SpawnPlan plan);
  SpawnAttempt(const SpawnAttempt&) = delete;
  SpawnAttempt& operator=(const SpawnAttempt&) = delete;
  ~SpawnAttempt();  // not while the child uses what is here

  // Returns when the program runs or could not be started.
  [[nodiscard]] SpawnResult run();

  // Whether begin() may be used: no user to be looked up, and the child may run beside us.
  [[nodiscard]] static bool can_begin(const SpawnPlan& plan);
  // Returns while the child is on its way, and has given the pipes to take_output; false when
  // there is none. end() must follow, in either case.
  [[nodiscard]] bool begin();
  // The child has come to its program, or could not: end() will not block.
  [[nodiscard]] bool is_over() const;
  [[nodiscard]] SpawnResult end();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace roost::daemon
