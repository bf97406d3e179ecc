// SpawnBench: what spawns share, one after the other: the child's stack, the page of its report,
// /dev/null, the way to descriptors of our own, what the clock is worth.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "daemon/process/originals.h"
#include "daemon/process/spawn_child.h"
#include "daemon/process/start_ticks.h"

namespace roost::daemon {

struct Unmap {
  std::size_t size = 0;
  void operator()(std::byte* memory) const;
};

using Mapping = std::unique_ptr<std::byte, Unmap>;

// Of whoever spawns at the moment; no thread safety of its own.
class SpawnBench {
 public:
  [[nodiscard]] static Result<SpawnBench> make();

  [[nodiscard]] std::span<std::byte> stack() const;

  [[nodiscard]] ChildReport& report() const { return shared().report; }

  // CloneCall::alive
  [[nodiscard]] std::atomic<int>& child_alive() const { return shared().child_alive; }

  [[nodiscard]] int stdin_null() const { return stdin_null_.get(); }

  [[nodiscard]] int own_descriptors() const { return own_descriptors_.get(); }

  // oom_score_adj and nice of the daemon.
  [[nodiscard]] const Originals& current() const { return current_; }

  // Signals whose disposition the daemon has changed; it does so before it makes its spawner.
  [[nodiscard]] std::uint64_t changed_signals() const { return changed_signals_; }

  [[nodiscard]] StartTicks& start_ticks() { return start_ticks_; }

  // Puts /dev/null back on 0–3, where the child had its own in the shared table.
  void restore_standard_fds() const;

 private:
  // Both processes see it, whatever else they share.
  struct Shared {
    ChildReport report;
    std::atomic<int> child_alive{0};
  };

  [[nodiscard]] Shared& shared() const;

  Mapping stack_;  // with a guard page at its low end
  Mapping shared_;
  UniqueFd stdin_null_;
  UniqueFd null_;
  UniqueFd own_descriptors_;
  Originals current_;
  StartTicks start_ticks_;
  std::uint64_t changed_signals_ = 0;  // bit n - 1: signal n
};

}  // namespace roost::daemon
