// One spawn, from plan to running program. Blocking; the spawner's thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "daemon/process/spawn_child.h"
#include "daemon/process/spawner.h"
#include "daemon/process/start_ticks.h"

namespace roost::daemon {

struct Unmap {
  std::size_t size = 0;
  void operator()(std::byte* memory) const;
};

using Mapping = std::unique_ptr<std::byte, Unmap>;

// What spawns share: the child's stack, the report's page, /dev/null, what the clock is worth.
class SpawnBench {
 public:
  [[nodiscard]] static Result<SpawnBench> make();

  [[nodiscard]] std::span<std::byte> stack() const;
  [[nodiscard]] ChildReport& report() const;

  [[nodiscard]] int stdin_null() const { return stdin_null_.get(); }

  // oom_score_adj and nice of the daemon.
  [[nodiscard]] const Originals& current() const { return current_; }

  // Signals whose disposition the daemon has changed; it does so before it makes its spawner.
  [[nodiscard]] std::uint64_t changed_signals() const { return changed_signals_; }

  [[nodiscard]] StartTicks& start_ticks() { return start_ticks_; }

  // Puts /dev/null back on 0–3, where the child had its own in the shared table.
  void restore_standard_fds() const;

 private:
  Mapping stack_;   // with a guard page at its low end
  Mapping report_;  // shared
  UniqueFd stdin_null_;
  UniqueFd null_;
  Originals current_;
  StartTicks start_ticks_;
  std::uint64_t changed_signals_ = 0;  // bit n - 1: signal n
};

// All signals must be blocked in the calling thread.
[[nodiscard]] SpawnResult spawn_once(SpawnBench& bench, const SpawnerOptions& options,
                                     SpawnPlan plan);

}  // namespace roost::daemon
