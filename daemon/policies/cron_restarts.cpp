#include "daemon/policies/cron_restarts.h"

#include <algorithm>
#include <vector>

#include "daemon/log.h"

namespace roost::daemon {
namespace {

using model::InstanceId;

// A time missed by more is not made up for: then the machine was off, and the app has just started.
constexpr WallMs kMadeUpFor = 5 * 60'000;
constexpr Duration kLookAgain = 1s;

// What somebody has stopped stays down, and what has given up does; a job that is done runs again.
bool is_restarted(const Instance& instance) {
  const model::InstanceState& m = instance.machine;
  return m.finished || (m.desired == model::Desired::up &&
                        (m.current.has_value() || m.rest == model::Rest::waiting));
}

}  // namespace

CronRestarts::CronRestarts(loop::Loop& loop, Supervisor& supervisor, Zones& zones)
    : supervisor_(supervisor),
      zones_(zones),
      timer_(loop, [this](WallTimer::Cause cause) { on_timer(cause); }),
      look_again_(loop, [this] { on_timer(WallTimer::Cause::due); }) {}

const CronRestarts::Schedule* CronRestarts::schedule_of(const Instance& instance) {
  const model::AppSpec& spec = *instance.spec;
  if (spec.cron_restart.empty()) return nullptr;
  const auto known = schedules_.find(instance.app);
  if (known != schedules_.end() && !known->second.zone)
    known->second.zone = zones_.find(known->second.spec->timezone);
  if (known != schedules_.end() && known->second.spec == instance.spec) return &known->second;
  const bool same = known != schedules_.end() &&
                    known->second.spec->cron_restart == spec.cron_restart &&
                    known->second.spec->timezone == spec.timezone;
  if (same) {
    known->second.spec = instance.spec;
    return &known->second;
  }
  const auto cron = model::Cron::parse(spec.cron_restart);
  if (!cron) return nullptr;  // validate() lets none in
  const auto made = schedules_.insert_or_assign(
      instance.app, Schedule{instance.spec, *cron, zones_.find(spec.timezone)});
  return &made.first->second;
}

WallMs CronRestarts::next_of(const Schedule& schedule, WallMs now, WallMs last_due) const {
  const std::int64_t next =
      model::next_due(schedule.cron, *schedule.zone, now / 1000, last_due / 1000);
  return next > INT64_MAX / 1000 ? INT64_MAX : next * 1000;
}

WallMs CronRestarts::last_of(InstanceId id) const {
  const auto last = last_due_.find(id);
  return last == last_due_.end() ? 0 : last->second;
}

void CronRestarts::sync() {
  const WallMs now = wall_now_ms();
  std::vector<std::pair<InstanceId, WallMs>> changed;
  for (const auto& [id, instance] : supervisor_.instances()) {
    if (instance.spec->job) continue;  // Jobs looks after these
    const Schedule* schedule = schedule_of(instance);
    WallMs due = instance.cron_due_ms;
    if (schedule != nullptr && !schedule->zone) continue;
    if (schedule == nullptr) {
      due = 0;
    } else if (due == 0 || due > now || due < now - kMadeUpFor) {
      due = std::min(next_of(*schedule, now, last_of(id)), due > now ? due : INT64_MAX);
    }
    if (due != instance.cron_due_ms) changed.emplace_back(id, due);
  }
  for (const auto& [id, due] : changed)
    supervisor_.set_cron_due(id, due);
  std::erase_if(last_due_, [this](const auto& entry) { return !supervisor_.find(entry.first); });
  std::erase_if(schedules_, [this](const auto& entry) {
    return !supervisor_.book().apps().contains(entry.first);
  });
  arm();
}

void CronRestarts::stop() {
  look_again_.cancel();
  timer_.cancel();
}

void CronRestarts::on_timer(WallTimer::Cause cause) {
  look_again_.cancel();
  const WallMs now = wall_now_ms();
  if (cause == WallTimer::Cause::clock_was_set)
    count_anew();
  else
    come_round(now);
  arm();
}

void CronRestarts::come_round(WallMs now) {
  struct Due {
    InstanceId id;
    WallMs next;
    std::string why;
    bool restarted;
  };

  std::vector<Due> due;
  for (const auto& [id, instance] : supervisor_.instances()) {
    if (instance.cron_due_ms == 0 || instance.cron_due_ms > now) continue;
    const Schedule* schedule = schedule_of(instance);
    if (schedule == nullptr || !schedule->zone) continue;
    due.push_back({id, next_of(*schedule, now, instance.cron_due_ms),
                   "cron_restart " + instance.spec->cron_restart, is_restarted(instance)});
  }
  for (Due& one : due) {
    last_due_[one.id] = now;
    if (one.restarted)
      supervisor_.restart_by_cron(one.id, one.next, std::move(one.why));
    else
      supervisor_.set_cron_due(one.id, one.next);
  }
  if (due.empty()) look_again_.start(kLookAgain);
}

// What the clock has leapt over is not made up for; what it comes to again is not done twice.
void CronRestarts::count_anew() {
  log_info("cron", "the clock was set; counting anew");
  const WallMs now = wall_now_ms();
  std::vector<std::pair<InstanceId, WallMs>> next;
  for (const auto& [id, instance] : supervisor_.instances())
    if (const Schedule* schedule = schedule_of(instance); schedule != nullptr && schedule->zone)
      next.emplace_back(id, next_of(*schedule, now, last_of(id)));
  for (const auto& [id, due] : next)
    supervisor_.set_cron_due(id, due);
}

bool CronRestarts::has_zone(const Instance& instance) {
  const Schedule* schedule = schedule_of(instance);
  return schedule != nullptr && schedule->zone;
}

void CronRestarts::arm() {
  WallMs first = INT64_MAX;
  for (const auto& [id, instance] : supervisor_.instances())
    if (instance.cron_due_ms != 0 && !instance.spec->job && has_zone(instance))
      first = std::min(first, instance.cron_due_ms);
  if (first == INT64_MAX || look_again_.active()) return timer_.cancel();
  timer_.start(first);
}

}  // namespace roost::daemon
