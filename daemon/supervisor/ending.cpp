// The ends of runs: signals, exits, what a run left behind, and the acknowledgement to the keeper.
#include <csignal>
#include <utility>

#include <unistd.h>

#include "core/base/kill_point.h"
#include "daemon/log.h"
#include "daemon/process/tree_signal.h"
#include "daemon/supervisor/recovery.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

using model::Input;
using model::InstanceId;
using model::RunId;

namespace {
bool is_claimed(const Instance& instance, RunId run) {
  const model::InstanceState& m = instance.machine;
  return (m.current && m.current->id == run) || (m.retiring && m.retiring->id == run);
}

constexpr Duration kLeftoverGrace =
    2s;  // for what a crashed app left behind, between SIGTERM and SIGKILL
constexpr Duration kOutputEndsBy = model::limits::kExitGate;
}  // namespace

TreeRoot Supervisor::tree_root(const Run& run) const {
  return {.key = {p_.home_id, run.label.app, run.label.instance, run.label.run},
          .main = {run.label.pid, run.label.start_ticks},
          .keeper = ::getppid(),
          .self = ::getpid(),
          .foreign = run.foreign,
          .lane = run.lane,
          .out_pipe = run.out_pipe,
          .err_pipe = run.err_pipe,
          .walk = walk_};
}

// The tree is found before its main process is signalled: what it is made of is known only while it
// lives.
void Supervisor::signal_stop(Instance& instance, Run& run) {
  kill_point("stop.before_signal");
  if (!run.spec->stop_command.empty()) return run_stop_command(run);
  if (run.channel && run.spec->shutdown_with_message) return ask_by_message(instance, run);
  send_stop_signal(instance, run);
}

void Supervisor::send_stop_signal(Instance& instance, Run& run) {
  const int number = static_cast<int>(run.spec->stop_signal);
  if (run.spec->kill_mode == model::KillMode::process) {
    (void)signal_process({run.label.pid, run.label.start_ticks}, number);  // it may be gone
    return;
  }
  auto found = std::make_shared<TreeSignal>();
  const RunId id = run.label.run;
  Status submitted = p_.worker.submit(
      [found, number, root = tree_root(run), memory = run.memory, asked = to_ns(Monotonic::now())] {
        *found = signal_tree(root, number, Resend::everyone, memory, asked);
      },
      [this, found, id] {
        Run* still = find_run(id);
        if (still == nullptr) return;
        still->memory = std::move(found->memory);
        still->processes = std::max(still->processes, static_cast<int>(found->alive.size()));
        signalled(*still);
      });
  if (submitted) {
    ++run.signalling;
  } else {
    log_warning("stop", submitted.error().message + "; signalling the main process of '" +
                            instance.spec->name + "' only");
    (void)signal_process({run.label.pid, run.label.start_ticks}, number);
  }
}

// The end of a run waits for its signal: that goes to whoever is in the run's lane, which the next
// run may have by then.
void Supervisor::signalled(Run& run) {
  if (--run.signalling > 0 || !std::exchange(run.finish_due, false)) return;
  if (Instance* instance = find_mutable(run.label.instance)) finish_sweep(*instance, run);
}

// "shutdown" over the channel in place of the signal; the tree is looked for as before a signal. An
// app that cannot be told so any more gets the signal.
void Supervisor::ask_by_message(Instance& instance, Run& run) {
  auto found = std::make_shared<TreeSignal>();
  const RunId id = run.label.run;
  const auto ask = [this, found, id, at = instance.id] {
    Run* still = find_run(id);
    Instance* owner = find_mutable(at);
    if (still == nullptr || owner == nullptr || still->exit) return;
    still->memory = std::move(found->memory);
    if (still->channel && still->channel->send_shutdown()) return;
    still->channel.reset();
    signal_stop(*owner, *still);
  };
  const Status submitted = p_.worker.submit(
      [found, root = tree_root(run), memory = run.memory, asked = to_ns(Monotonic::now())] {
        *found = signal_tree(root, 0, Resend::everyone, memory, asked);
      },
      ask);
  if (!submitted) p_.loop.defer(ask);
}

bool Supervisor::signal(InstanceId id, int number) {
  const Instance* instance = find(id);
  const Run* run = instance != nullptr ? current_run(*instance) : nullptr;
  return run != nullptr && run->spawned && !run->exit &&
         signal_process({run->label.pid, run->label.start_ticks}, number);
}

void Supervisor::signal_kill(Instance& instance, Run& run) {
  if (run.spec->kill_mode == model::KillMode::process) {
    run.killed += signal_process({run.label.pid, run.label.start_ticks}, SIGKILL) ? 1 : 0;
    return;
  }
  run.kill_sweep = true;
  begin_sweep(instance.id, run, TimePoint{});  // long over: no SIGTERM to those not told yet
}

void Supervisor::sweep(Instance& instance, Run& run) {
  if (run.sweeping) return;  // SIGKILL was sent already: its sweep ends when everything is gone
  if (run.spec->kill_mode == model::KillMode::process) return finish_sweep(instance, run);
  const bool asked = run.stop_deadline != TimePoint{};
  // The next run of one that ended by itself is about to begin.
  const auto keep = !asked && has_room_for_outputs() ? Lanes::Keep::open : Lanes::Keep::nothing;
  const bool anything = run.lane ? p_.lanes.populated(instance.id, run.lane, keep) : asked;
  run.lane_empty = run.lane && !anything && !run.kill_sweep;
  if (!anything || run.kill_sweep) return finish_sweep(instance, run);
  begin_sweep(instance.id, run, asked ? run.stop_deadline : Monotonic::now() + kLeftoverGrace);
}

void Supervisor::begin_sweep(InstanceId instance, Run& run, TimePoint deadline) {
  const RunId id = run.label.run;
  run.sweeping = true;
  run.sweep = std::make_unique<TreeSweep>(
      p_.loop, p_.worker, tree_root(run), run.memory, deadline,
      [this, instance, id](SweepResult result) { on_sweep_done(instance, id, result); });
}

void Supervisor::end_stray(TreeRoot root) {
  const RunId id = root.key.run;
  stray_sweeps_.try_emplace(
      id, p_.loop, p_.worker, std::move(root), TreeMemory{}, Monotonic::now() + kLeftoverGrace,
      [this, id](const SweepResult&) { p_.loop.defer([this, id] { stray_sweeps_.erase(id); }); });
}

void Supervisor::on_sweep_done(InstanceId id, RunId run_id, SweepResult result) {
  Run* run = find_run(run_id);
  Instance* instance = find_mutable(id);
  if (run == nullptr || instance == nullptr) return;
  run->sweeping = false;
  run->killed += result.killed;
  run->processes = std::max(run->processes, result.signalled + result.killed);
  if (result.survivors > 0)
    log_error("stop", std::to_string(result.survivors) + " processes of '" + instance->spec->name +
                          "' survive SIGKILL");
  p_.loop.defer([this, run_id] {
    if (Run* later = find_run(run_id); later != nullptr && !later->sweeping) later->sweep.reset();
  });
  if (run->exit) finish_sweep(*instance, *run);
}

// The process and its tree are gone: the machine decides, and the end is put on record.
void Supervisor::finish_sweep(Instance& instance, Run& run) {
  if (run.swept) return;
  if (run.signalling > 0) {
    run.finish_due = true;
    return;
  }
  run.swept = true;
  run.timer.reset();
  // One that counts what the kernel killed is made anew for the next run.
  const bool as_new = run.lane_empty && run.memory_group.kind != CgroupKind::v2;
  p_.lanes.release(instance.id, run.lane.number,
                   as_new ? Lanes::Seen::empty : Lanes::Seen::unknown);
  memory_groups_.remove(run.memory_group);
  const bool is_current = instance.machine.current && instance.machine.current->id == run.label.run;
  const bool asked = is_current ? instance.machine.current->asked : true;
  if (is_current) {
    instance.last_exit = model::exit_status_from(run.exit->code, run.exit->status);
    instance.last_exit_ms = wall_now_ms();
    instance.last_exit_run = run.label.run;
  }
  const RunId id = run.label.run;
  const InstanceId at = instance.id;
  const Duration ran_for = Monotonic::now() - from_ns(run.label.started_ns);
  Event over{.kind = Event::Kind::run_over,
             .instance = at,
             .run = id,
             .pid = run.label.pid,
             .status = model::exit_status_from(run.exit->code, run.exit->status),
             .ran_for = ran_for,
             .asked = asked,
             .processes = std::max(run.processes, 1),
             .killed = run.killed};
  if (is_current && instance.machine.current->failed) over.failure = instance.machine.failure;
  if (is_current && over.failure.empty()) over.failure = instance.machine.pending_cause;
  feed(instance, {.kind = Input::Kind::swept, .run = id});
  over.reason = instance.machine.reason;
  if (over.reason.empty() && is_current && asked) over.reason = model::kRestartedByRequest;
  if (const Run& ended = *find_run(id); !ended.stop_problem.empty())
    over.reason += "; " + ended.stop_problem;
  record_exit(instance, *find_run(id), over.reason);
  p_.bus.publish(std::move(over));
}

// ---- exits

void Supervisor::on_keeper_exit(const KeeperExit& exit) {
  kill_point("exit.received");
  if (recovery_) return recovery_->add_exit(exit);
  Run* run = find_run(exit.run);
  if (run == nullptr)
    return keeper_->ack_exit(exit.run, exit.seq);  // failed to exec, or of a deleted instance
  if (run->exit) return;
  run->exit = exit;
  run->exited_at = Monotonic::now();
  if (run->spawned) return process_exit(*run);
  if (run->timer) run->timer->start(1ms);  // the news of the spawn is on its way, and may wait
}

void Supervisor::process_exit(Run& run) {
  const RunId id = run.label.run;
  Instance* instance = find_mutable(run.label.instance);
  const bool claimed = instance != nullptr && is_claimed(*instance, id);
  // The next run may be begun at once, and go on with its pipes.
  const bool may_go_on = claimed && kept_outputs_.are_empty(id) && !pump_->is_relaying();
  if (!may_go_on) finish_output(run);
  if (!claimed) return bury(instance, run);
  const Duration ran_for = run.exited_at - from_ns(run.label.started_ns);
  if (ran_for >= instance->spec->min_ready) see_online(*instance);
  feed(*instance, {.kind = Input::Kind::exited,
                   .run = id,
                   .status = model::exit_status_from(run.exit->code, run.exit->status),
                   .ran_for = ran_for,
                   .error = exit_cause(run)});
  if (Run* still = may_go_on ? find_run(id) : nullptr; still != nullptr) finish_output(*still);
}

// Most outputs end with their process, and the pump says so by itself.
void Supervisor::finish_output(Run& run) {
  kept_outputs_.let_go(run.label.run);
  if (run.drained) return;
  pump_->expect_end(run.label.run);
  run.drain.emplace(p_.loop, [this, id = run.label.run] { pump_->finish(id); });
  run.drain->start(kOutputEndsBy);
}

// The exit of a run that no machine waits for: counted before the last daemon was killed, or of an
// instance that is gone.
void Supervisor::bury(Instance* instance, Run& run) {
  run.swept = true;
  p_.lanes.release(run.label.instance, run.lane.number);
  if (instance != nullptr) return record_exit(*instance, run, instance->machine.reason);
  run.recorded = true;
  try_ack(run);
}

void Supervisor::record_exit(Instance& instance, Run& run, const std::string& reason) {
  const RunId id = run.label.run;
  const WallMs now = wall_now_ms();
  // So that the difference is what it ran, whatever was done to the wall clock meanwhile.
  const WallMs began = now - to_ms(Monotonic::now() - from_ns(run.label.started_ns));
  store::AddExit row{.epoch = keeper_->facts().epoch,
                     .seq = run.exit->seq,
                     .instance = instance.id,
                     .app = instance.app,
                     .run = id,
                     .pid = run.label.pid,
                     .started_wall_ms = began,
                     .ended_wall_ms = now,
                     .status = model::exit_status_from(run.exit->code, run.exit->status),
                     .reason = reason};
  kill_point("exit.before_record");
  persist({std::move(row), store::DeleteRun{id}}, store::Durability::background,
          [this, id](Status) {
            kill_point("exit.after_record");
            Run* still = find_run(id);
            if (still == nullptr) return;
            still->recorded = true;
            try_ack(*still);
          });
}

void Supervisor::on_drained(RunId id, const DrainReport& report) {
  Run* run = find_run(id);
  if (run == nullptr) return;
  if (report.cut_off)
    log_warning(
        "logs",
        "run of instance " + std::to_string(raw(run->label.instance)) +
            ": a left-over process held its output open; what came later is not in the log");
  run->drained = true;
  run->drain.reset();
  try_ack(*run);
}

// The keeper frees the slot when the exit is on record and the output is in the file: not before,
// so that a daemon that is killed in between finds both again.
void Supervisor::try_ack(Run& run) {
  if (run.exit && run.recorded && run.drained) ack(run);
}

void Supervisor::give_up_exits() {
  for (auto& [id, run] : runs_)
    if (run.exit) ack(run);
}

void Supervisor::ack(Run& run) {
  const KeeperExit exit = *run.exit;
  const auto id = raw(run.label.run);
  keeper_->ack_exit(exit.run, exit.seq);
  p_.loop.defer([this, id] {
    runs_.erase(id);
    if (runs_.empty() && on_idle) on_idle();
  });
}

}  // namespace roost::daemon
