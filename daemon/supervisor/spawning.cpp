// The beginnings of runs: what is spawned, and what becomes of the news of it.
#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/kill_point.h"
#include "core/model/readiness.h"
#include "daemon/log.h"
#include "daemon/process/app_terminal.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

using model::Input;
using model::InstanceId;
using model::RunId;

void Supervisor::spawn(Instance& instance, RunId id) {
  Lane lane = p_.lanes.acquire(instance.id);
  Run& run = runs_[raw(id)];
  run.lane = lane;
  instance.found = 0;
  run.kill_timeout = instance.spec->kill_timeout;
  run.spec = instance.spec;
  SpawnPlan plan =
      begin_plan(instance.spec, {.home_id = p_.home_id,
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
  plan.lane_dir = p_.lanes.directory(instance.id, lane);
  limit_memory(instance, run, plan);
  if (const auto note = changed_note(instance)) plan.note = {kNoteKey + raw(instance.id), *note};
  plan.rings = std::none_of(runs_.begin(), runs_.end(), [](const auto& entry) {
    return entry.second.spawned && !entry.second.exit;
  });
  plan_output(instance, plan);
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
    if (result.output_taken) pump_->finish(result.run);
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
  if (result.pipes) kept_outputs_.keep(result.run, std::move(*result.pipes));
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
  if (!run->exit) see_online(*instance);
  if (std::exchange(run->said_ready, false)) on_said_ready(run->label.run);
  if (run->exit) process_exit(*run);
}

// An app that nobody waits for is online when its time has come, and until then there is nothing
// that the loop would have to do about it: it sees both when it wakes for something else.
bool Supervisor::may_be_put_off(const Instance& instance) {
  const model::AppSpec& spec = *instance.spec;
  const bool by_age = model::ready_by(spec) == model::ReadyBy::age;
  const bool looked_after = model::wants_channel(spec) || spec.watchdog > 0s || spec.job ||
                            spec.max_memory_restart || spec.min_ready >= kSpawnPutOff;
  return by_age && !looked_after && !is_somebody_held();
}

void Supervisor::put_off_spawned(const Instance& instance, Run& run, SpawnPlan& plan) {
  if (!may_be_put_off(instance)) return;
  plan.patience = 2 * kSpawnPutOff;
  run.timer.emplace(p_.loop, [this, id = run.label.run] {
    Run* still = find_run(id);  // else it only wakes
    if (still != nullptr && still->exit && !still->spawned) still->timer->start(1ms);
  });
  run.timer->start(kSpawnPutOff);
}

// The run goes to state.db together with what led to it, without the loop: the spawner's thread is
// awake. So does all that waits when there is no run. What the loop has begun itself is written
// a while later, with others.
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

namespace {

struct OutputTargets {
  LogTarget out;
  LogTarget err;
};

void attach_output(Pump& pump, RunId run, UniqueFd out, UniqueFd err, OutputTargets to,
                   Pump::Origin origin) {
  if (out && terminal_number(err.get()))
    return pump.attach_terminal(run, std::move(out), std::move(err), std::move(to.out), origin);
  if (out) pump.attach(run, model::Stream::out, std::move(out), std::move(to.out), origin);
  if (err) pump.attach(run, model::Stream::err, std::move(err), std::move(to.err), origin);
}

}  // namespace

// The pipes of the run before, where they were kept for this and it has left nobody behind who
// might write on, or change what both have open; else new ones, which are kept of a run that is not
// the first, if there is room, and nothing for which they would have to be made anew.
void Supervisor::plan_output(const Instance& instance, SpawnPlan& plan) {
  const RunId run = plan.label.run;
  Run* last = find_run(instance.last_exit_run);
  const bool has_room = has_room_for_outputs();
  if (has_room && last != nullptr && last->spec == instance.spec && last->lane_empty)
    plan.pipes = kept_outputs_.take(last->label.run);
  if (plan.pipes) {
    last->drained = true;
    plan.keeps_pipes = true;
    plan.take_output = [pump = pump_, from = last->label.run, run](
                           const UniqueFd&, const UniqueFd&) { pump->pass_on(from, run); };
    return;
  }
  OutputTargets to{log_target(instance, model::Stream::out),
                   log_target(instance, model::Stream::err)};
  const model::AppSpec& spec = *instance.spec;
  const bool ended_before = raw(instance.last_exit_run) != 0;
  const bool has_next = ended_before || spec.restart != model::RestartWhen::never;
  const auto app = ended_before ? KeptOutputs::App::ended_before : KeptOutputs::App::new_one;
  plan.keeps_pipes = has_next && plan.lane && kept_outputs_.has_room(app) && has_room &&
                     !spec.tty && spec.user.empty() && spec.group.empty() && !to.out.lines &&
                     !to.err.lines;
  plan.take_output = [pump = pump_, run, to = std::move(to)](UniqueFd out, UniqueFd err) {
    attach_output(*pump, run, std::move(out), std::move(err), to, Pump::Origin::fresh);
  };
}

void Supervisor::attach_found_output(const Instance& instance, RunId run, UniqueFd out,
                                     UniqueFd err) {
  attach_output(
      *pump_, run, std::move(out), std::move(err),
      {log_target(instance, model::Stream::out), log_target(instance, model::Stream::err)},
      Pump::Origin::taken_over);
}

}  // namespace roost::daemon
