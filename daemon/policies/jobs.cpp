#include "daemon/policies/jobs.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <time.h>

#include "daemon/log.h"

namespace roost::daemon {
namespace {

using model::InstanceId;
using model::JobMoment;
using model::JobTurn;

// Its run is still there, or a further try of it will be.
bool is_busy(const model::InstanceState& m) {
  return m.current || m.rest == model::Rest::waiting || m.rest == model::Rest::held;
}

// What passes, sleep of the machine included.
WallMs boot_now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);  // cannot fail
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

WallMs to_ms_of(std::int64_t seconds) {
  return seconds > INT64_MAX / 1000 ? INT64_MAX : seconds * 1000;
}

}  // namespace

Jobs::Jobs(loop::Loop& loop, Supervisor& supervisor, Zones& zones)
    : supervisor_(supervisor), zones_(zones), timer_(loop, [this](WallTimer::Cause) { look(); }) {}

void Jobs::sync() {
  look();
}

void Jobs::stop() {
  stopped_ = true;
  timer_.cancel();
  tell_known();
}

const Jobs::Schedule* Jobs::schedule_of(const Instance& instance) {
  const model::AppSpec& spec = *instance.spec;
  if (!spec.job || spec.schedule.empty()) return nullptr;
  auto known = schedules_.find(instance.app);
  if (known == schedules_.end() || known->second.spec != instance.spec) {
    const auto cron = model::Cron::parse(spec.schedule);
    if (!cron) return nullptr;  // validate() lets none in
    known = schedules_
                .insert_or_assign(instance.app,
                                  Schedule{instance.spec, *cron, zones_.find(spec.timezone)})
                .first;
  }
  if (!known->second.zone) known->second.zone = zones_.find(spec.timezone);
  return known->second.zone ? &known->second : nullptr;
}

// Whether the clock on the wall has leapt ahead of the time that has really passed, sleep included.
// The timer's word for it is not enough: it says so after a sleep as well, and may come later.
JobMoment Jobs::moment_of(WallMs now) {
  constexpr WallMs kLeap = 2000;
  const WallMs boot = boot_now_ms();
  const WallMs leapt = (now - seen_wall_) - (boot - seen_boot_);
  const bool was_set = seen_wall_ != 0 && leapt > kLeap;
  seen_wall_ = now;
  seen_boot_ = boot;
  if (was_set) log_info("jobs", "the clock was set forwards");
  return was_set ? JobMoment::clock_was_set : JobMoment::watched;
}

void Jobs::look() {
  if (stopped_) return;
  std::vector<InstanceId> jobs;
  for (const auto& [id, instance] : supervisor_.instances())
    if (instance.spec->job) jobs.push_back(id);
  if (jobs.empty() && schedules_.empty() && asked_.empty()) return;
  const JobMoment moment = moment_of(wall_now_ms());
  for (const InstanceId id : jobs) {
    look_at(id, moment);
    run_queued(id);
  }
  run_awaited();
  tell_known();
  std::erase_if(schedules_, [this](const auto& entry) {
    const auto app = supervisor_.book().apps().find(entry.first);
    return app == supervisor_.book().apps().end() || !app->second.entry.spec.job;
  });
  arm();
}

bool Jobs::is_known(InstanceId id) const {
  const Instance* instance = supervisor_.find(id);
  return stopped_ || instance == nullptr || instance->spec->schedule.empty() ||
         instance->job.next_ms != 0 || !model::is_wanted(instance->machine);
}

void Jobs::when_known(InstanceId id, std::function<void()> done) {
  if (is_known(id)) return done();
  asked_.emplace_back(id, std::move(done));
}

void Jobs::tell_known() {
  const auto known = std::stable_partition(
      asked_.begin(), asked_.end(), [this](const auto& asked) { return !is_known(asked.first); });
  std::vector<std::pair<InstanceId, std::function<void()>>> told(
      std::make_move_iterator(known), std::make_move_iterator(asked_.end()));
  asked_.erase(known, asked_.end());
  for (const auto& [id, done] : told)
    done();
}

void Jobs::look_at(InstanceId id, JobMoment moment) {
  const Instance& instance = *supervisor_.find(id);
  const JobNote before = instance.job;
  JobNote note = before;
  const Schedule* schedule = schedule_of(instance);
  const bool has_schedule = !instance.spec->schedule.empty();
  if (!model::is_wanted(instance.machine) || !has_schedule) {
    note.next_ms = 0;
    if (note != before) supervisor_.set_job(id, note);
    return;
  }
  if (schedule == nullptr) return;  // as soon as the zone is known
  const model::JobLook found = model::look_at(schedule->cron, *schedule->zone, *instance.spec,
                                              before.until_ms / 1000, wall_now_ms() / 1000, moment);
  note.until_ms = found.until * 1000;
  note.next_ms = to_ms_of(found.next);
  const JobTurn turn = model::turn_of(instance.spec->overlap, is_busy(instance.machine));
  if (found.comes && turn == JobTurn::start)
    return supervisor_.run_job(id, note, Supervisor::JobStart::fresh);
  if (found.comes && turn == JobTurn::replace)
    return supervisor_.run_job(id, note, Supervisor::JobStart::replace);
  if (found.comes) {
    note.skipped += turn == JobTurn::skip ? 1 : 0;
    note.queued = note.queued || turn == JobTurn::queue;
    log_info("jobs", "app=" + instance.spec->name + " its time has come while it runs: " +
                         (turn == JobTurn::queue ? "it runs afterwards" : "skipped"));
  }
  if (note != before) supervisor_.set_job(id, note);
}

void Jobs::run_queued(InstanceId id) {
  const Instance& instance = *supervisor_.find(id);
  if (!instance.job.queued || is_busy(instance.machine)) return;
  if (model::is_wanted(instance.machine))
    supervisor_.run_job(id, instance.job, Supervisor::JobStart::fresh);
}

// A job that an app depends on, and that has not been done yet, is run for it: once.
void Jobs::run_awaited() {
  std::set<InstanceId> wanted;
  for (const auto& [id, instance] : supervisor_.instances()) {
    if (!is_held(instance)) continue;
    for (const auto& [name, condition] : instance.spec->depends_on) {
      const AppEntry* entry = supervisor_.book().find(name);
      if (entry == nullptr || !entry->spec.job ||
          supervisor_.unmet_app(name, condition).words.empty())
        continue;
      for (const InstanceId job : entry->instance_ids())
        wanted.insert(job);
    }
  }
  std::erase_if(awaited_, [&](InstanceId id) { return !wanted.contains(id); });
  for (const InstanceId id : wanted) {
    const Instance& job = *supervisor_.find(id);
    const bool rests = !job.machine.current && job.machine.rest == model::Rest::stopped;
    if (rests && model::is_wanted(job.machine) && awaited_.insert(id).second)
      supervisor_.run_job(id, job.job, Supervisor::JobStart::fresh);
  }
}

void Jobs::arm() {
  WallMs first = INT64_MAX;
  for (const auto& [id, instance] : supervisor_.instances())
    if (instance.spec->job && instance.job.next_ms != 0 && schedule_of(instance) != nullptr)
      first = std::min(first, instance.job.next_ms);
  if (first == INT64_MAX) return timer_.cancel();
  timer_.start(first);
}

std::string Jobs::next_time(const Instance& instance) const {
  const auto schedule = schedules_.find(instance.app);
  if (instance.job.next_ms == 0 || schedule == schedules_.end() || !schedule->second.zone)
    return {};
  return model::shown_time(instance.job.next_ms / 1000, *schedule->second.zone);
}

std::string Jobs::shown_in(const std::string& timezone, WallMs time) const {
  const Zones::ZonePtr zone = zones_.find(timezone);
  return zone ? model::shown_time(time / 1000, *zone) : std::string();
}

std::string Jobs::next_in_words(const Instance& instance) const {
  if (!model::is_wanted(instance.machine)) return "off its schedule";
  if (instance.spec->schedule.empty()) return "runs on request";
  const std::string next = next_time(instance);
  return next.empty() ? "its next time is not known yet" : "next run " + next;
}

}  // namespace roost::daemon
