// Dependencies: releases instances that are held until what they depend on is there, and stops in
// the reverse order. What is met is looked at anew at each event of the Bus, so nothing is
// remembered that a new daemon would have to know. Loop thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/loop/timer.h"
#include "core/loop/worker.h"
#include "daemon/bus.h"
#include "daemon/process/probe_queue.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

class Dependencies {
 public:
  // How an instance is stopped when its turn has come.
  using StopOne = std::function<void(model::InstanceId)>;

  // `program`: roost, which probes what apps wait for.
  Dependencies(loop::Loop& loop, loop::Worker& worker, Bus& bus, Supervisor& supervisor,
               std::string program);

  // Stops them, those that others of them depend on last; at once where nothing depends.
  void stop(const std::vector<model::InstanceId>& ids, const StopOne& stop_one);
  // They are wanted again: a stop of them that has not begun is off.
  void keep(const std::vector<model::InstanceId>& ids);
  // These and the apps they depend on that do not run, what comes first at the front.
  [[nodiscard]] std::vector<model::InstanceId> with_dependencies(
      const std::vector<model::InstanceId>& ids) const;

 private:
  // What a held instance waits for besides apps.
  struct Search {
    Search(loop::Loop& loop, loop::Timer::Callback due) : timer(loop, std::move(due)) {}

    loop::Timer timer;
    std::uint64_t looking = 0;  // number of the probe under way; 0: none
  };

  void on_event(const Event& event);
  void look_at_all(const Event& event);
  void look_at(model::InstanceId id);
  void tell_failure(const Event& event);
  void look_for(model::InstanceId id);
  [[nodiscard]] std::optional<ProbePlan> plan_look(model::InstanceId id,
                                                   std::uint64_t number) const;
  void on_looked(model::InstanceId id, std::uint64_t number, const ProbeOutcome& outcome);
  void stop_next();
  [[nodiscard]] bool is_needed(model::InstanceId id) const;

  loop::Loop& loop_;
  Bus& bus_;
  Supervisor& supervisor_;
  std::string program_;
  std::map<model::InstanceId, Search> searches_;  // of held instances
  ProbeQueue probes_;  // one for each search; also those whose search is over
  std::uint64_t last_number_ = 0;
  std::map<model::InstanceId, StopOne> stopping_;  // whose turn has not come
};

}  // namespace roost::daemon
