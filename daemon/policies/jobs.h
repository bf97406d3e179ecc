// Jobs: runs them at the times of their schedules, and when somebody waits for what they do. One
// timer for all of them. How far each job's times have been dealt with, and the next one, are on
// record, together with the run that a time has led to. Loop thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/model/job_schedule.h"
#include "daemon/policies/wall_timer.h"
#include "daemon/policies/zones.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

class Jobs {
 public:
  Jobs(loop::Loop& loop, Supervisor& supervisor, Zones& zones);

  // Something has happened to an app; or a time zone is known now.
  void sync();
  void stop();

  // Calls `done` as soon as it is known when this job runs next, or that it does not.
  void when_known(model::InstanceId id, std::function<void()> done);

  // When it runs next, in words: "next run 2026-03-29 03:00:00 +02:00", "runs on request".
  [[nodiscard]] std::string next_in_words(const Instance& instance) const;
  // The time alone; empty when there is none, or none is known.
  [[nodiscard]] std::string next_time(const Instance& instance) const;
  // A time as a clock in that zone shows it; empty: the zone is not read yet.
  [[nodiscard]] std::string shown_in(const std::string& timezone, WallMs time) const;

 private:
  struct Schedule {
    model::SpecPtr spec;
    model::Cron cron;
    Zones::ZonePtr zone;  // null: not read yet
  };

  void look();
  model::JobMoment moment_of(WallMs now);
  void look_at(model::InstanceId id, model::JobMoment moment);
  [[nodiscard]] bool is_known(model::InstanceId id) const;
  void tell_known();
  void run_queued(model::InstanceId id);
  void run_awaited();
  // Null: it has none, or its zone is not known yet.
  const Schedule* schedule_of(const Instance& instance);
  void arm();

  Supervisor& supervisor_;
  Zones& zones_;
  WallTimer timer_;
  WallMs seen_wall_ = 0;  // at the last look; 0: there was none
  WallMs seen_boot_ = 0;
  bool stopped_ = false;
  std::map<model::AppId, Schedule> schedules_;
  std::vector<std::pair<model::InstanceId, std::function<void()>>> asked_;  // of when_known
  std::set<model::InstanceId> awaited_;  // jobs that were run since an app waits for them
};

}  // namespace roost::daemon
