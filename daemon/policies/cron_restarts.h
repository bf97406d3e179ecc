// CronRestarts: restarts apps at the times of their cron_restart. One timer for all of them; the
// next time of each instance is on record, so that one that came while no daemon was there is made
// up for. Loop thread.
#pragma once

#include <map>
#include <optional>

#include "core/loop/timer.h"
#include "core/model/cron.h"
#include "daemon/policies/wall_timer.h"
#include "daemon/policies/zones.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

class CronRestarts {
 public:
  CronRestarts(loop::Loop& loop, Supervisor& supervisor, Zones& zones);

  // Apps have come, gone, or got other settings; or a time zone is known now.
  void sync();
  void stop();

 private:
  struct Schedule {
    model::SpecPtr spec;
    model::Cron cron;
    Zones::ZonePtr zone;  // null: not read yet
  };

  // Null: it has none. Without a zone its times cannot be told yet.
  const Schedule* schedule_of(const Instance& instance);
  void on_timer(WallTimer::Cause cause);
  void come_round(WallMs now);
  void count_anew();
  void arm();
  [[nodiscard]] bool has_zone(const Instance& instance);
  [[nodiscard]] WallMs last_of(model::InstanceId id) const;
  [[nodiscard]] WallMs next_of(const Schedule& schedule, WallMs now, WallMs last_due) const;

  Supervisor& supervisor_;
  Zones& zones_;
  WallTimer timer_;
  loop::Timer look_again_;  // when the clock was put back and nobody has told
  std::map<model::AppId, Schedule> schedules_;
  std::map<model::InstanceId, WallMs> last_due_;
};

}  // namespace roost::daemon
