// One input through the machine: state, note, effects, timers, news.
#include <algorithm>

#include <sys/stat.h>

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

// ---- spawning

void Supervisor::spawn(Instance& instance, RunId id) {
  Lane lane = p_.lanes.acquire(instance.id);
  Run& run = runs_[raw(id)];
  run.lane = lane;
  instance.found = 0;
  run.kill_timeout = instance.spec->kill_timeout;
  run.spec = instance.spec;
  SpawnPlan plan =
      make_spawn_plan(*instance.spec, {.home_id = p_.home_id,
                                       .app = instance.app,
                                       .instance = instance.id,
                                       .slot = instance.slot,
                                       .run = id,
                                       .generation = instance.generation,
                                       .lane = lane,
                                       .boot_id = p_.boot_id,
                                       .notify_socket = notify_ ? p_.notify.path : std::string(),
                                       .launcher = p_.helper,
                                       .credentials = p_.credentials});
  run.label = plan.label;
  limit_memory(instance, run, plan);
  if (const auto note = changed_note(instance)) plan.note = {kNoteKey + raw(instance.id), *note};
  plan.take_output = output_taker(instance, id);
  if (p_.store != nullptr) plan.settled = recorder(*p_.store, instance.id, p_.boot_id);
  run.note_passed = keeper_->is_behind();
  put_off_spawned(instance, run, plan);
  kill_point("spawn.before");
  spawner_->spawn(std::move(plan), [this, at = instance.id](SpawnResult result) {
    on_spawned(at, std::move(result));
  });
}

void Supervisor::on_spawned(InstanceId id, SpawnResult result) {
  kill_point("spawn.after");
  Run* run = find_run(result.run);
  Instance* instance = find_mutable(id);
  if (!ROOST_EXPECT(run != nullptr && instance != nullptr, "a spawn for nobody")) return;
  if (result.failure) {
    p_.lanes.release(id, run->lane.number);
    memory_groups_.remove(run->memory_group);
    const std::optional<KeeperExit> exit = run->exit;
    runs_.erase(raw(result.run));
    if (exit) keeper_->ack_exit(exit->run, exit->seq);
    const std::string why = result.failure->error.message;
    log_warning("spawn", "app=" + instance->spec->name + " " + why);
    const RunId failed = result.run;
    feed(*instance, {.kind = Input::Kind::spawn_failed,
                     .run = failed,
                     .error = why,
                     .transient = result.failure->transient});
    p_.bus.publish({.kind = Event::Kind::spawn_failed,
                    .instance = id,
                    .run = failed,
                    .reason = why + (result.failure->error.hint.empty()
                                         ? ""
                                         : " (" + result.failure->error.hint + ")")});
    return;
  }
  run->label = result.label;
  if (run->label.lane == 0 && run->lane) {  // it could not be born there
    if (run->memory_group.kind == CgroupKind::v2) {
      run->memory_group = {};
      report_no_limit(*instance, "the run could not be started in its cgroup");
    }
    p_.lanes.release(id, run->lane.number);
    run->lane = {};
  }
  run->pidfd = std::move(result.pidfd);
  run->spawned = true;
  run->out_pipe = result.out_pipe;
  run->err_pipe = result.err_pipe;
  attach_channel(*run, std::move(result.channel));
  // What the child brought may have come after a newer note.
  if (std::exchange(run->note_passed, false)) {
    instance->kept = {};
    save_note(*instance);
  }
  p_.bus.publish({.kind = Event::Kind::started,
                  .instance = id,
                  .run = run->label.run,
                  .pid = run->label.pid,
                  .ago = Monotonic::now() - from_ns(run->label.started_ns)});
  feed(*instance, {.kind = Input::Kind::spawned, .run = run->label.run});
  see_online(*instance);
  if (std::exchange(run->said_ready, false)) on_said_ready(run->label.run);
  if (run->exit) process_exit(*run);
}

// An app that nobody waits for is online when its time has come, and until then there is nothing
// that the loop would have to do about it: it sees both when it wakes for something else.
bool Supervisor::may_be_put_off(const Instance& instance) const {
  const model::AppSpec& spec = *instance.spec;
  const bool by_age = model::ready_by(spec) == model::ReadyBy::age;
  const bool looked_after = model::wants_channel(spec) || spec.watchdog > 0s || spec.job ||
                            spec.max_memory_restart || spec.min_ready >= kSpawnPutOff;
  const bool awaited = std::any_of(instances_.begin(), instances_.end(),
                                   [](const auto& entry) { return is_held(entry.second); });
  return by_age && !looked_after && !awaited;
}

void Supervisor::put_off_spawned(const Instance& instance, Run& run, SpawnPlan& plan) {
  if (!may_be_put_off(instance)) return;
  plan.patience = 2 * kSpawnPutOff;
  run.timer.emplace(p_.loop, [] {});  // only wakes
  run.timer->start(kSpawnPutOff);
}

// The run goes to state.db together with what led to it, without the loop: the spawner's thread is
// awake. So does all that waits when there is no run.
std::function<void(const SpawnResult&, bool)> Supervisor::recorder(
    store::Store& store, InstanceId instance, const std::array<std::uint8_t, 16>& boot_id) {
  return [&store, instance, boot_id](const SpawnResult& result, bool more_follow) {
    store::Batch batch;
    if (!result.failure) {
      LabelBytes label;
      model::store_label(result.label, std::span(label));
      batch.emplace_back(store::PutRun{result.run, instance, result.pid, result.label.start_ticks,
                                       boot_id, label});
    }
    store.record(std::move(batch), more_follow);
  };
}

std::function<void(UniqueFd, UniqueFd)> Supervisor::output_taker(const Instance& instance,
                                                                 RunId run) const {
  return [pump = pump_, run, paths = log_paths(instance), on_full = instance.spec->on_full](
             UniqueFd out, UniqueFd err) {
    pump->attach(run, model::Stream::out, std::move(out),
                 {.path = paths.out, .owner = {}, .on_full = on_full}, Pump::Origin::fresh);
    pump->attach(run, model::Stream::err, std::move(err),
                 {.path = paths.err, .owner = {}, .on_full = on_full}, Pump::Origin::fresh);
  };
}

void Supervisor::attach_found_output(const Instance& instance, RunId run, UniqueFd out,
                                     UniqueFd err) {
  const LogPaths paths = log_paths(instance);
  const auto attach = [&](model::Stream stream, UniqueFd pipe, const std::string& path) {
    if (pipe)
      pump_->attach(run, stream, std::move(pipe),
                    {.path = path, .owner = {}, .on_full = instance.spec->on_full},
                    Pump::Origin::taken_over);
  };
  attach(model::Stream::out, std::move(out), paths.out);
  attach(model::Stream::err, std::move(err), paths.err);
}

}  // namespace roost::daemon
