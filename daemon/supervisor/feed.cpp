// One input through the machine: state, note, effects, timers, news.
#include <algorithm>

#include "core/base/check.h"
#include "core/base/kill_point.h"
#include "core/model/readiness.h"
#include "daemon/log.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

using model::Effect;
using model::Input;
using model::InstanceId;
using model::RunId;
using model::TimerKind;

namespace {

// Steps that a recovery cannot tell from the one before are not worth a message: a run that is
// being spawned is launching when it registers, and the exit of one that is being swept comes
// again.
void forget_passing_phase(model::InstanceNote& note, model::Phase kept) {
  using model::Phase;
  if (note.phase == Phase::spawning) note.phase = Phase::launching;
  if (note.phase == Phase::killing) note.phase = Phase::stopping;
  if (note.phase == Phase::sweeping) note.phase = kept;
}

// The part of a note that a cold start needs; the rest changes too often for the disk.
model::InstanceNote durable_part(model::InstanceNote note) {
  note.phase = model::Phase::spawning;
  note.asked = false;
  note.deadline_ns = note.rest == model::Rest::waiting ? note.deadline_ns : 0;
  return note;
}

}  // namespace

void Supervisor::feed(Instance& instance, Input input, Resume resume) {
  const auto before = model::state_of(instance.machine);
  const model::StepContext context{.policy = model::restart_policy_of(*instance.spec),
                                   .now = Monotonic::now(),
                                   .next_run = next_run_id(),
                                   .jitter = std::generate_canonical<double, 20>(random_),
                                   .held = unmet_dependency(instance).words};
  model::Step step = model::step(instance.machine, input, context);
  if (step.ignored) return;
  instance.machine = std::move(step.next);
  somebody_held_ = somebody_held_ || is_held(instance);
  const std::string broken = model::broken_invariant(instance.machine);
  ROOST_EXPECT(broken.empty(), broken.c_str());
  const auto after = model::state_of(instance.machine);
  if (after == model::State::waiting && before != after &&
      instance.machine.rest == model::Rest::waiting)
    instance.next_try = context.now + instance.machine.backoff;
  if (input.kind == Input::Kind::start || input.kind == Input::Kind::stop ||
      input.kind == Input::Kind::restart)
    instance.resume = resume == Resume::later;

  if (input.kind == Input::Kind::stop) {
    instance.found = 0;
    instance.job.queued = false;
  }
  set_stop_deadlines(step.effects);
  const bool spawns =
      std::any_of(step.effects.begin(), step.effects.end(),
                  [](const Effect& effect) { return effect.kind == Effect::Kind::spawn; });
  // Of a restart by itself the child brings the note: with the one of before, the next daemon would
  // come to the same. Not when it has to wait: the end of the run before may be acknowledged by
  // then.
  const bool by_itself =
      input.kind == Input::Kind::swept || input.kind == Input::Kind::backoff_timer;
  if (!spawns || !by_itself || spawner_->waiting() > 0) save_note(instance);
  const InstanceId id = instance.id;
  for (const Effect& effect : step.effects)
    carry_out(instance, effect);
  Instance* still = find_mutable(id);
  if (still == nullptr) return;
  sync_timers(*still);
  if (before == model::State::waiting && after == model::State::stopped)
    p_.bus.publish({.kind = Event::Kind::stopped, .instance = id});
  if (is_held(*still) && input.kind != Input::Kind::released)
    p_.bus.publish({.kind = Event::Kind::held, .instance = id, .reason = still->machine.reason});
  if (input.kind == Input::Kind::ready && after == model::State::online)
    publish_online(*still, *find_run(input.run));
}

void Supervisor::publish_online(const Instance& instance, const Run& run) {
  const Duration age = Monotonic::now() - from_ns(run.label.started_ns);
  const bool by_age = model::ready_by(*instance.spec) == model::ReadyBy::age;
  p_.bus.publish({.kind = Event::Kind::online,
                  .instance = instance.id,
                  .run = run.label.run,
                  .pid = run.label.pid,
                  .ago = by_age ? std::max<Duration>(age - instance.spec->min_ready, 0s) : 0s});
}

// Before the note is written: it tells the next daemon how long a stop may still take.
void Supervisor::set_stop_deadlines(const std::vector<Effect>& effects) {
  for (const Effect& effect : effects) {
    Run* run = effect.kind == Effect::Kind::signal_stop ? find_run(effect.run) : nullptr;
    if (run != nullptr && run->stop_deadline == TimePoint{})
      run->stop_deadline = Monotonic::now() + run->kill_timeout;
  }
}

void Supervisor::carry_out(Instance& instance, const Effect& effect) {
  if (effect.kind == Effect::Kind::spawn) return spawn(instance, effect.run);
  Run* run = find_run(effect.run);
  if (!ROOST_EXPECT(run != nullptr, "an effect names a run that is not there")) return;
  switch (effect.kind) {
    case Effect::Kind::spawn:
      return;
    case Effect::Kind::signal_stop:
      return signal_stop(instance, *run);
    case Effect::Kind::signal_kill:
      return signal_kill(instance, *run);
    case Effect::Kind::sweep:
      return sweep(instance, *run);
  }
}

// ---- timers: exactly those that the phases call for

void Supervisor::sync_timers(Instance& instance) {
  const InstanceId id = instance.id;
  const bool waiting = !instance.machine.current && instance.machine.rest == model::Rest::waiting;
  if (!waiting) {
    instance.backoff.reset();
  } else if (!instance.backoff) {
    instance.backoff.emplace(p_.loop, [this, id] { on_timer(id, RunId{}, TimerKind::backoff); });
    instance.backoff->start(instance.next_try - Monotonic::now());
  }
  if (instance.machine.current) sync_run_timer(instance, *instance.machine.current);
  if (instance.machine.current) sync_watchdog(instance, *instance.machine.current);
  if (instance.machine.current) sync_overtime(instance, *instance.machine.current);
  if (instance.machine.retiring) sync_run_timer(instance, *instance.machine.retiring);
}

void Supervisor::sync_run_timer(Instance& instance, const model::RunMachine& machine) {
  Run* run = find_run(machine.id);
  if (run == nullptr) return;
  const std::optional<TimerKind> wanted = model::timer_of(machine);
  if (run->armed == wanted) return;
  run->armed = wanted;
  run->timer.reset();
  const std::optional<Duration> ready = model::ready_timer(*instance.spec);
  if (!wanted || (*wanted == TimerKind::ready && !ready)) return;
  const TimePoint now = Monotonic::now();
  const Duration left = *wanted == TimerKind::ready ? from_ns(run->label.started_ns) + *ready - now
                                                    : run->stop_deadline - now;
  const InstanceId id = instance.id;
  const RunId run_id = machine.id;
  const TimerKind kind = *wanted;
  run->timer.emplace(p_.loop, [this, id, run_id, kind] { on_timer(id, run_id, kind); });
  if (*wanted == TimerKind::ready && may_be_put_off(instance))
    run->timer->start_lazily(left, kSpawnPutOff);
  else
    run->timer->start(left);
}

void Supervisor::on_timer(InstanceId id, RunId run, TimerKind kind) {
  Instance* instance = find_mutable(id);
  if (instance == nullptr) return;
  switch (kind) {
    case TimerKind::ready:
      return on_ready_timer(*instance, run);
    case TimerKind::kill:
      return feed(*instance, {.kind = Input::Kind::kill_timer, .run = run});
    case TimerKind::backoff:
      return feed(*instance, {.kind = Input::Kind::backoff_timer});
  }
}

// For an input that comes while the timer that would say so may still wait.
void Supervisor::see_online(Instance& instance) {
  const auto& current = instance.machine.current;
  if (current && current->phase == model::Phase::launching && online_by_time(instance))
    feed(instance, {.kind = Input::Kind::ready, .run = current->id});
}

void Supervisor::on_ready_timer(Instance& instance, RunId id) {
  if (model::ready_by(*instance.spec) == model::ReadyBy::age)
    return feed(instance, {.kind = Input::Kind::ready, .run = id});
  if (Run* run = find_run(id))
    fail(*run, model::Failing::not_ready,
         model::in_words(model::Failing::not_ready, *instance.spec), 0s);
}

// ---- the note: with the keeper at once, in state.db behind

model::InstanceNote Supervisor::note_of(const Instance& instance) const {
  const model::InstanceState& m = instance.machine;
  model::InstanceNote note;
  note.app = instance.app;
  note.instance = instance.id;
  note.slot = instance.slot;
  note.desired = m.desired;
  note.rest = m.rest;
  note.has_current = m.current.has_value();
  if (m.current) {
    note.current = m.current->id;
    note.phase = m.current->phase;
    note.asked = m.current->asked;
    if (const Run* run = current_run(instance); run != nullptr && m.current->failed)
      note.failing = run->failing;
  }
  note.stopped_by_request = m.rest == model::Rest::stopped && m.reason == model::kStoppedByRequest;
  note.resume = instance.resume;
  note.restarts = m.restarts;
  note.quick_exits = m.quick_exits;
  note.tracker = m.tracker.memory();
  note.window = m.tracker.window();
  note.finished = m.finished;
  note.has_exit = instance.last_exit.has_value();
  if (instance.last_exit) note.last_exit = *instance.last_exit;
  note.last_exit_run = instance.last_exit_run;
  note.last_exit_wall_ms = instance.last_exit_ms;
  note.created_wall_ms = instance.created_ms;
  note.cron_due_ms = instance.spec->job ? instance.job.next_ms : instance.cron_due_ms;
  note.job_until_ms = instance.job.until_ms;
  note.job_skipped = instance.job.skipped;
  note.job_queued = instance.job.queued;
  if (const Run* run = current_run(instance); run != nullptr && run->stop_deadline != TimePoint{})
    note.deadline_ns = to_ns(run->stop_deadline);
  else if (m.rest == model::Rest::waiting)
    note.deadline_ns = to_ns(instance.next_try);
  return note;
}

LabelBytes Supervisor::note_bytes(const Instance& instance) const {
  LabelBytes bytes;
  model::store_label(note_of(instance), std::span(bytes));
  return bytes;
}

void Supervisor::save_note(Instance& instance) {
  const auto note = changed_note(instance);
  if (!note) return;
  kill_point("note.before_store");
  keeper_->store_entry(kNoteKey + raw(instance.id), *note);
  kill_point("note.after_store");
  if (!instance.machine.current) return;
  if (Run* run = find_run(instance.machine.current->id); run != nullptr && !run->spawned)
    run->note_passed = true;
}

bool Supervisor::online_by_time(const Instance& instance) const {
  const Run* run = current_run(instance);
  return run != nullptr && model::ready_by(*instance.spec) == model::ReadyBy::age &&
         Monotonic::now() >= from_ns(run->label.started_ns) + instance.spec->min_ready;
}

// The note to be stored with the keeper, if it differs from the one that is there; state.db gets it
// behind.
std::optional<LabelBytes> Supervisor::changed_note(Instance& instance) {
  if (frozen_) return std::nullopt;
  model::InstanceNote note = note_of(instance);
  forget_passing_phase(note, instance.kept.phase);
  if (note.phase == model::Phase::online && note.current == instance.kept.current &&
      instance.kept.phase == model::Phase::launching && online_by_time(instance))
    note.phase = model::Phase::launching;  // the next daemon sees it by itself
  if (note == instance.kept) return std::nullopt;
  const bool durable = durable_part(note) != durable_part(instance.kept);
  instance.kept = note;
  LabelBytes bytes;
  model::store_label(note, std::span(bytes));
  if (durable)
    persist({store::PutInstance{instance.id, instance.app, instance.slot, bytes}},
            store::Durability::background, {});
  return bytes;
}

}  // namespace roost::daemon
