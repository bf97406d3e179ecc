#include "daemon/supervisor/recovery.h"

#include <algorithm>

#include <unistd.h>

#include "core/base/kill_point.h"
#include "daemon/log.h"

namespace roost::daemon {

using model::Input;
using model::InstanceNote;
using model::Phase;
using model::RunId;

namespace {

// The words that the old daemon had for it are gone; these say the same.
std::string reason_of(const Instance& instance, const InstanceNote& note) {
  if (instance.resume) return "stopped by roost kill";
  if (note.stopped_by_request) return std::string(model::kStoppedByRequest);
  const std::string how = instance.last_exit ? model::describe(*instance.last_exit) : std::string();
  const Duration left = instance.next_try - Monotonic::now();
  if (instance.machine.rest == model::Rest::waiting && left > 0s)
    return how + "; next try in " + model::in_words(left);
  const bool off = instance.machine.rest == model::Rest::errored &&
                   instance.spec->restart == model::RestartWhen::never && !instance.spec->job;
  return off ? how + "; autorestart is off" : how;
}

}  // namespace

void Recovery::add_note(const LabelBytes& label) {
  if (const auto note = model::load_label<InstanceNote>(std::span(label)))
    notes_[note->instance] = *note;
}

void Recovery::finish() {
  cold_ = !load_book();
  if (cold_)
    for (const store::PutInstance& row : s_.snapshot_.instances)
      if (const auto note = model::load_label<InstanceNote>(std::span(row.note)))
        notes_[row.instance] = *note;
  begin_run_ids();
  make_instances();
  // Last words of earlier runs come before the first ones of later ones.
  std::sort(runs_.begin(), runs_.end(), [](const auto& a, const auto& b) { return a.run < b.run; });
  leave_pipes_to_the_last(runs_);
  for (KeeperRun& run : runs_)
    take_over(std::move(run));
  if (cold_) adopt_survivors();
  kill_point("recovery.before_resume");
  for (auto& [id, instance] : s_.instances_)
    if (const auto note = notes_.find(id); note != notes_.end()) restore(instance, note->second);
  claim_runs();
  record_unknown_ends();
  for (const KeeperExit& exit : exits_)
    s_.on_keeper_exit(exit);
  if (cold_) s_.put_book({}, {});
  if (!cold_) repair_rows();
  s_.somebody_held_ = true;  // as restored
  for (auto& [id, instance] : s_.instances_)
    resume(instance);
}

// The book of the daemon before, if there was one under this keeper; else that of state.db.
bool Recovery::load_book() {
  if (specs_) {
    Status loaded = s_.book_.load_memfd(specs_.get());
    if (loaded) return true;
    log_error("recovery", loaded.error().message + "; taking the specs from state.db");
  }
  for (const store::PutApp& row : s_.snapshot_.apps)
    if (Status loaded = s_.book_.load_row(row.json); !loaded)
      log_error("recovery", loaded.error().message);
  return false;
}

// The daemon before may have died between telling the keeper and writing the rows.
void Recovery::repair_rows() {
  const auto& apps = s_.book_.apps();
  store::Batch batch;
  std::size_t right = 0;
  for (const store::PutApp& row : s_.snapshot_.apps) {
    const auto app = apps.find(row.app);
    if (app == apps.end())
      batch.emplace_back(store::DeleteApp{row.app});
    else if (app->second.json == row.json)
      ++right;
  }
  for (const store::PutInstance& row : s_.snapshot_.instances)
    if (apps.contains(row.app) && s_.find(row.instance) == nullptr)
      batch.emplace_back(store::DeleteInstance{row.instance});
  if (const auto& change = s_.book_.change(); change && change->number > s_.last_change_) {
    s_.last_change_ = change->number;
    batch.emplace_back(store::AddChange{change->number, change->json, change->former});
  } else if (change) {
    s_.book_.forget_change(change->number);
  }
  if (!batch.empty())
    s_.persist(std::move(batch), store::Durability::background,
               [&supervisor = s_, number = s_.last_change_](const Status& saved) {
                 if (saved) supervisor.book_.forget_change(number);
               });
  if (right != apps.size()) s_.resubmit_everything();
}

// A keeper that was made anew counts its daemons from one again, but runs of before are still
// there.
void Recovery::begin_run_ids() {
  std::uint64_t newest = 0;
  const auto see = [&newest](RunId run) { newest = std::max(newest, raw(run)); };
  for (const KeeperRun& run : runs_)
    see(run.run);
  for (const auto& [id, note] : notes_) {
    see(note.current);
    see(note.last_exit_run);
  }
  for (const store::PutRun& row : s_.snapshot_.runs)
    see(row.run);
  s_.run_serial_ = std::max(s_.keeper_->facts().serial, (newest >> 32U) + 1);
}

void Recovery::make_instances() {
  for (const auto& [id, app] : s_.book_.apps()) {
    const auto spec = std::make_shared<const model::AppSpec>(app.entry.spec);
    for (const InstanceEntry& at : app.entry.instances)
      (void)s_.make_instance(app.entry, at, spec);
  }
}

Run& Recovery::make_run(const model::RunLabel& label, UniqueFd pidfd, UniqueFd out, UniqueFd err,
                        UniqueFd channel, bool foreign) {
  Run& run = s_.runs_[raw(label.run)];
  run.label = label;
  run.foreign = foreign;
  run.spawned = true;
  run.out_pipe = pipe_inode(out.get());
  run.err_pipe = pipe_inode(err.get());
  run.pidfd = std::move(pidfd);
  run.lane = s_.p_.lanes.hold(label.instance, label.lane);
  const Instance* instance = s_.find(label.instance);
  if (instance == nullptr) return run;
  run.kill_timeout = instance->spec->kill_timeout;
  run.spec = instance->spec;
  // Also of a limit that the settings of before had.
  if (instance->spec->memory_max || run.label.generation < instance->generation)
    run.memory_group = s_.memory_groups_.find(run.lane, label.instance);
  s_.attach_found_output(*instance, label.run, std::move(out), std::move(err));
  s_.attach_channel(run, std::move(channel));
  return run;
}

void Recovery::take_over(KeeperRun handed) {
  const auto label = model::load_label<model::RunLabel>(std::span(handed.label));
  if (!label) return log_error("recovery", "a run with a label of another version is left alone");
  model::RunLabel known = *label;
  if (known.start_ticks == 0)
    known.start_ticks = identify(known.pid, handed.pidfd.get()).start_ticks;
  (void)make_run(known, std::move(handed.pidfd), std::move(handed.out), std::move(handed.err),
                 std::move(handed.channel), handed.foreign);
}

// ---- instances

void Recovery::restore(Instance& instance, const InstanceNote& note) {
  model::InstanceState& m = instance.machine;
  m.desired = note.desired;
  m.rest = note.rest;
  m.restarts = note.restarts;
  m.quick_exits = note.quick_exits;
  m.finished = note.finished;
  m.tracker = model::RestartTracker(note.tracker, note.window);
  instance.resume = note.resume;
  instance.kept.phase = note.phase;
  instance.created_ms = note.created_wall_ms;
  instance.last_exit_ms = note.last_exit_wall_ms;
  (instance.spec->job ? instance.job.next_ms : instance.cron_due_ms) = note.cron_due_ms;
  instance.job.until_ms = note.job_until_ms;
  instance.job.skipped = note.job_skipped;
  instance.job.queued = note.job_queued;
  instance.last_exit_run = note.last_exit_run;
  if (note.has_exit) instance.last_exit = note.last_exit;
  if (!cold_ && note.rest == model::Rest::waiting) instance.next_try = from_ns(note.deadline_ns);
  restore_current(instance, note);
  if (!m.current) m.reason = reason_of(instance, note);
}

void Recovery::restore_current(Instance& instance, const InstanceNote& note) {
  model::InstanceState& m = instance.machine;
  if (m.current) {  // adopted: what lives is taken as wanted
    m.desired = model::Desired::up;
    return;
  }
  Run* run = note.has_current ? s_.find_run(note.current) : nullptr;
  if (run == nullptr) {
    if (note.has_current && m.desired == model::Desired::up)
      m.rest = cold_ && instance.spec->job ? rest_of_cut_short(instance)
                                           : model::Rest::waiting;  // it was about to be spawned
    return;
  }
  Phase phase = note.phase;
  if (phase == Phase::spawning) phase = Phase::launching;
  if (phase == Phase::sweeping)
    phase = note.asked ? Phase::stopping : Phase::online;  // its exit comes again
  if (phase == Phase::killing) phase = Phase::stopping;    // its deadline has passed
  if (note.asked && phase == Phase::launching) phase = Phase::stopping;
  m.rest = model::Rest::stopped;
  m.current = model::RunMachine{note.current, phase, note.asked};
  if (phase == Phase::launching && s_.online_by_time(instance)) m.current->phase = Phase::online;
  if (note.failing != model::Failing::no && !note.asked) {  // it was being ended
    phase = m.current->phase = Phase::stopping;
    m.current->failed = true;
    m.failure = m.reason = model::in_words(note.failing, *instance.spec);
    run->failing = note.failing;
  }
  if (phase != Phase::stopping) return;
  run->stop_deadline =
      note.deadline_ns != 0 ? from_ns(note.deadline_ns) : Monotonic::now() + run->kill_timeout;
  s_.signal_stop(instance, *run);  // the old daemon may have died just before it
}

// The run of a job ended with the machine, or while nobody looked: it has failed.
model::Rest Recovery::rest_of_cut_short(Instance& instance) {
  const model::RestartDecision decision = instance.machine.tracker.on_exit(
      model::ExitStatus{}, 0s, Monotonic::now(), model::restart_policy_of(*instance.spec), 0.5);
  const bool again = decision.action == model::RestartDecision::Action::restart;
  return again || instance.spec->catch_up ? model::Rest::waiting : model::Rest::errored;
}

// The daemon before got new settings for it, and died before it could restart it.
bool Recovery::is_outdated(const Instance& instance) const {
  const Run* run = s_.current_run(instance);
  return run != nullptr && run->label.generation != 0 &&
         run->label.generation < instance.generation && !instance.machine.current->asked &&
         instance.machine.current->phase != Phase::stopping;
}

// What should be up and has no process is started; timers go on from where they were.
void Recovery::resume(Instance& instance) {
  model::InstanceState& m = instance.machine;
  const bool should_run = m.desired == model::Desired::up && !m.current;
  if (should_run && m.rest == model::Rest::waiting &&
      (cold_ || instance.next_try <= Monotonic::now()))
    return s_.feed(instance, {.kind = Input::Kind::backoff_timer});
  if (should_run && (m.rest == model::Rest::stopped || m.rest == model::Rest::held))
    return s_.feed(instance, {.kind = Input::Kind::start});
  if (is_outdated(instance))
    return s_.feed(instance, {.kind = Input::Kind::restart, .error = "its settings were changed"});
  s_.sync_timers(instance);
}

// A run that no note speaks of: its note was still on its way when the daemon was killed. The
// newest of an idle instance is its current one; any other is nobody's, and is ended.
void Recovery::claim_runs() {
  for (auto& [id, run] : s_.runs_) {
    const bool dead = std::any_of(
        exits_.begin(), exits_.end(),
        [wanted = run.label.run](const KeeperExit& exit) { return exit.run == wanted; });
    Instance* instance = s_.find_mutable(run.label.instance);
    if (dead || (instance != nullptr && instance->machine.current &&
                 instance->machine.current->id == run.label.run))
      continue;
    if (instance != nullptr && instance->app == run.label.app && !instance->machine.current) {
      instance->machine.desired = model::Desired::up;
      instance->machine.rest = model::Rest::stopped;
      instance->machine.current = model::RunMachine{run.label.run, Phase::launching, false};
      continue;
    }
    log_warning("recovery",
                "pid " + std::to_string(run.label.pid) + " belongs to no app any more: ending it");
    s_.begin_sweep(run.label.instance, run, Monotonic::now());
  }
}

// ---- after the death of keeper and daemon

void Recovery::adopt_survivors() {
  for (const store::PutRun& row : s_.snapshot_.runs)
    if (const auto label = model::load_label<model::RunLabel>(std::span(row.label)))
      if (row.boot_id == s_.p_.boot_id) recorded_[row.run] = *label;
  FoundRuns found = find_runs(s_.p_.home_id);
  for (FoundRun& run : found.runs) {
    const auto known = std::find_if(recorded_.begin(), recorded_.end(), [&](const auto& entry) {
      return entry.second.pid == run.id.pid && entry.second.start_ticks == run.id.start_ticks;
    });
    std::optional<model::RunLabel> label;
    if (known != recorded_.end()) label = known->second;
    adopt(std::move(run), label);
  }
  const auto unseen = recorded_;
  for (const auto& [id, label] : unseen) {
    Result<FoundRun> again = reopen({s_.p_.home_id, label.app, label.instance, id},
                                    {label.pid, label.start_ticks}, s_.p_.boot_id);
    if (again) adopt(std::move(*again), label);
  }
  for (const RoostId& stray : found.strays)
    end_stray(stray);
}

// What an app left behind while nobody looked after it: its main process is dead, and the app is
// started anew.
void Recovery::end_stray(const RoostId& stray) {
  const Instance* instance = s_.find(stray.key.instance);
  const bool wanted = instance == nullptr || adopted_.contains(stray.key.run) ||
                      instance->spec->kill_mode == model::KillMode::process;
  if (wanted) return;
  log_warning("recovery", "ending what a dead run of '" + instance->spec->name + "' left behind");
  TreeRoot root{.key = stray.key,
                .main = {stray.root_pid, 0},
                .keeper = ::getppid(),
                .self = ::getpid(),
                .foreign = true,
                .lane = {},
                .walk = s_.walk_};
  s_.end_stray(std::move(root));
}

void Recovery::adopt(FoundRun found, const std::optional<model::RunLabel>& known) {
  const RunId recorded = known ? known->run : found.key.run;
  adopted_.insert({recorded, found.key.run});
  recorded_.erase(recorded);
  Instance* instance = s_.find_mutable(found.key.instance);
  if (instance == nullptr || instance->app != found.key.app || instance->machine.current) {
    log_warning("recovery", "pid " + std::to_string(found.id.pid) +
                                " carries this home's ROOST_ID, but no app waits for it");
    return;
  }
  model::RunLabel label = known.value_or(model::RunLabel{});
  label.app = found.key.app;
  label.instance = found.key.instance;
  label.slot = instance->slot;
  label.pid = found.id.pid;
  label.start_ticks = found.id.start_ticks;
  label.boot_id[0] = 0;
  std::copy(s_.p_.boot_id.begin(), s_.p_.boot_id.end(), label.boot_id);
  if (label.started_ns == 0) {
    const std::int64_t ticks_per_second = ::sysconf(_SC_CLK_TCK);
    label.started_ns =
        static_cast<std::int64_t>(found.id.start_ticks) * (1'000'000'000 / ticks_per_second);
    label.started_wall_ms = wall_now_ms() - to_ms(Monotonic::now() - from_ns(label.started_ns));
  }
  label.run = s_.next_run_id();
  label.lane = found.lane.number;
  LabelBytes bytes;
  model::store_label(label, std::span(bytes));
  s_.keeper_->adopt_run(label.run, bytes, label.pid, found.pidfd.get(), found.out.get(),
                        found.err.get());
  // A channel cannot be opened again: the app has seen its end.
  (void)make_run(label, std::move(found.pidfd), std::move(found.out), std::move(found.err), {},
                 true);
  s_.persist({store::DeleteRun{recorded}, store::PutRun{label.run, label.instance, label.pid,
                                                        label.start_ticks, s_.p_.boot_id, bytes}},
             store::Durability::background, {});
  instance->machine.desired = model::Desired::up;
  instance->machine.current = model::RunMachine{label.run, Phase::online, false};
}

// Runs on record that nobody can find: they ended, and how is unknown.
void Recovery::record_unknown_ends() {
  if (!cold_) return;
  for (const store::PutRun& row : s_.snapshot_.runs) {
    const bool same_boot = row.boot_id == s_.p_.boot_id;
    if (same_boot && !recorded_.contains(row.run)) continue;
    Instance* instance = s_.find_mutable(row.instance);
    if (instance == nullptr) continue;
    const auto label = model::load_label<model::RunLabel>(std::span(row.label));
    const std::string reason = same_boot ? "its end was not put on record: keeper and daemon died"
                                         : "ended with the machine";
    instance->last_exit = model::ExitStatus{};
    instance->last_exit_ms = wall_now_ms();
    instance->machine.reason = "unknown exit status: " + reason;
    if (same_boot && instance->spec->restart == model::RestartWhen::never) {
      instance->machine.desired = model::Desired::down;
      instance->machine.rest = model::Rest::stopped;
    }
    if (instance->machine.desired == model::Desired::up) ++instance->machine.restarts;
    s_.save_note(*instance);
    s_.persist({store::AddExit{.epoch = 0,
                               .seq = raw(row.run) ^ (s_.keeper_->facts().epoch & 0xffffffffULL),
                               .instance = row.instance,
                               .app = instance->app,
                               .run = row.run,
                               .pid = row.pid,
                               .started_wall_ms = label ? label->started_wall_ms : 0,
                               .ended_wall_ms = wall_now_ms(),
                               .status = {},
                               .reason = reason},
                store::DeleteRun{row.run}},
               store::Durability::background, {});
  }
}

}  // namespace roost::daemon
