// Jobs: on and off their schedules, their runs, and the time these may take.
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

using model::Input;
using model::InstanceId;
using model::RunId;

// Times that came while it was off its schedule are not its; those of a roost that was suspended
// are.
void Supervisor::begin_times(Instance& instance) {
  if (!instance.spec->job || model::is_wanted(instance.machine)) return;
  if (!instance.resume) instance.job.until_ms = wall_now_ms();
  instance.job.queued = false;
  instance.job.next_ms = 0;
}

void Supervisor::bring_up(InstanceId id) {
  Instance* instance = find_mutable(id);
  if (instance == nullptr) return;
  if (!instance->spec->job) return feed(*instance, {.kind = Input::Kind::start});
  begin_times(*instance);
  instance->resume = false;
  feed(*instance, {.kind = Input::Kind::enrol});
  p_.bus.publish({.kind = Event::Kind::enrolled, .instance = id});
}

void Supervisor::set_job(InstanceId id, const JobNote& note) {
  Instance* instance = find_mutable(id);
  if (instance == nullptr) return;
  instance->job = note;
  save_note(*instance);
}

void Supervisor::run_job(InstanceId id, JobNote note, JobStart how) {
  Instance* instance = find_mutable(id);
  if (instance == nullptr) return;
  note.skipped = 0;
  note.queued = false;
  instance->job = note;  // into the note that the step makes
  if (how == JobStart::fresh) return feed(*instance, {.kind = Input::Kind::start});
  feed(*instance, {.kind = Input::Kind::restart, .error = "its next time has come (overlap kill)"});
}

// From the start of the run, whichever daemon that was under.
void Supervisor::sync_overtime(const Instance& instance, const model::RunMachine& machine) {
  Run* run = find_run(machine.id);
  if (run == nullptr || !instance.spec->job || instance.spec->job_timeout <= 0s) return;
  const bool counts =
      machine.phase == model::Phase::launching || machine.phase == model::Phase::online;
  if (!counts) return run->overtime.reset();
  if (run->overtime) return;
  run->overtime.emplace(p_.loop, [this, id = machine.id] { on_overtime(id); });
  run->overtime->start(from_ns(run->label.started_ns) + instance.spec->job_timeout -
                       Monotonic::now());
}

void Supervisor::on_overtime(RunId id) {
  Run* run = find_run(id);
  const Instance* instance = run != nullptr ? find(run->label.instance) : nullptr;
  if (instance == nullptr || run->exit) return;
  fail(*run, model::Failing::overtime, model::in_words(model::Failing::overtime, *instance->spec),
       Monotonic::now() - from_ns(run->label.started_ns));
}

}  // namespace roost::daemon
