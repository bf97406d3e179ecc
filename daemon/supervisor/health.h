// Health: probes the current run of every instance that has a probe, and tells the supervisor what
// comes of it: ready, or not working. Decisions are core/model/health.h's, probes are child
// processes. Knows runs by the Bus; a new daemon begins with begin() and counts anew. Loop thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/loop/timer.h"
#include "core/loop/worker.h"
#include "core/model/health.h"
#include "daemon/bus.h"
#include "daemon/process/probe_child.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

// What is known of an instance's health.
struct HealthFacts {
  std::optional<ProbeOutcome> last;
  WallMs last_ms = 0;
  std::uint32_t failures = 0;  // in a row
  std::string held;            // why it should be restarted, while others are before it; else empty
};

class Health {
 public:
  // `program`: roost, which probes.
  Health(loop::Loop& loop, loop::Worker& worker, Bus& bus, Supervisor& supervisor,
         std::string program);

  // For the runs taken over.
  void begin();
  // Null when there is nothing to probe, or nothing yet.
  [[nodiscard]] const HealthFacts* facts(model::InstanceId id) const;

 private:
  struct Watch {
    Watch(loop::Loop& loop, model::RunId of, loop::Timer::Callback due)
        : run(of), timer(loop, std::move(due)) {}

    model::RunId run;
    loop::Timer timer;
    model::HealthTracker tracker;
    HealthFacts facts;
    TimePoint held_since{};  // when its restart was first due; with facts.held
  };

  struct Asked {
    model::InstanceId instance{};
    model::RunId run{};
  };

  struct Running {
    Asked asked;
    std::unique_ptr<ProbeChild> child;
  };

  void on_event(const Event& event);
  void on_run_over(const Asked& over);
  void watch(model::InstanceId id, model::RunId run);
  void on_due(model::InstanceId id);
  void probe(const Asked& asked);
  void on_probed(std::uint64_t number, const Asked& asked, ProbeOutcome outcome);
  void judge(Watch& watch, const Instance& instance, const ProbeOutcome& outcome);
  void restart_next();
  void next_in_queue();
  [[nodiscard]] Watch* find_watch(const Asked& asked);
  [[nodiscard]] const Instance* probed_instance(const Asked& asked) const;

  loop::Loop& loop_;
  loop::Worker& worker_;
  Supervisor& supervisor_;
  std::string program_;
  std::map<model::InstanceId, Watch> watches_;
  std::map<std::uint64_t, Running> running_;  // at most kMaxProbes
  std::deque<Asked> queue_;                   // at most one for each run
  std::uint64_t last_number_ = 0;
  model::HealthAllowance allowance_;
};

}  // namespace roost::daemon
