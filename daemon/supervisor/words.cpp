// What apps say about themselves, over channel and notify socket, and runs that do not work.
#include "daemon/log.h"
#include "daemon/process/proc_snapshot.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

using model::Input;
using model::RunId;

namespace {
constexpr int kMostParents = 32;  // between a sender and the main process of its run
}  // namespace

// ---- the notify socket

// That of the daemon before, in which datagrams may be waiting; else a new one.
void Supervisor::open_notify_socket() {
  UniqueFd fd = std::move(inherited_notify_);
  if (!fd && p_.notify.path.empty()) {
    log_warning("notify",
                "the name of the home is too long for a notify socket: READY=1 and WATCHDOG=1 "
                "cannot be received");
    return;
  }
  if (fd) {
    notify_.emplace(p_.loop, std::move(fd), [this](pid_t sender, std::string_view text) {
      return on_notify(sender, text);
    });
    return;
  }
  renew_notify_socket();
}

void Supervisor::renew_notify_socket() {
  if (p_.notify.path.empty()) return;
  Result<UniqueFd> made = NotifySocket::bind(p_.notify.path, p_.notify.mode);
  if (!made) return log_warning("notify", made.error().message);
  keeper_->store_entry(kNotifyKey, LabelBytes{}, made->get());
  notify_.emplace(p_.loop, std::move(*made),
                  [this](pid_t sender, std::string_view text) { return on_notify(sender, text); });
}

void Supervisor::end_notify_socket() {
  keeper_->drop_entry(kNotifyKey);
  notify_.reset();
  remove_notify_place(p_.notify);
}

// False: the sender belongs to no run. Who says nothing is not looked up.
bool Supervisor::on_notify(pid_t sender, std::string_view text) {
  const model::NotifyWords words = model::parse_notify(text);
  if (words == model::NotifyWords{}) return true;
  Run* run = run_of_process(sender);
  if (run == nullptr) return false;
  const RunId id = run->label.run;
  if (words.watchdog_trigger && run->watchdog) {
    fail(*run, model::Failing::watchdog, "WATCHDOG=trigger: the app says that it does not work",
         run->last_alive - from_ns(run->label.started_ns));
    return true;
  }
  if (words.alive) run->last_alive = Monotonic::now();
  if (words.alive && run->watchdog) run->watchdog->start(watchdog_period(*run));
  if (words.ready) on_said_ready(id);
  return true;
}

Duration Supervisor::watchdog_period(const Run& run) const {
  const Instance* instance = find(run.label.instance);
  return instance != nullptr ? instance->spec->watchdog : 0s;
}

// A run that is online must say again and again that it is alive; one that is taken over has the
// whole time before it.
void Supervisor::sync_watchdog(const Instance& instance, const model::RunMachine& machine) {
  Run* run = find_run(machine.id);
  if (run == nullptr || instance.spec->watchdog <= 0s) return;
  if (machine.phase != model::Phase::online) return run->watchdog.reset();
  if (run->watchdog) return;
  run->last_alive = Monotonic::now();
  run->watchdog.emplace(p_.loop, [this, id = machine.id] { on_watchdog(id); });
  run->watchdog->start(instance.spec->watchdog);
}

// This daemon may have been held up itself: what the app has sent meanwhile is heard first.
void Supervisor::on_watchdog(RunId id) {
  if (notify_) notify_->take_waiting();
  Run* run = find_run(id);
  if (run == nullptr || !run->watchdog || run->watchdog->active()) return;
  const Instance* instance = find(run->label.instance);
  if (instance == nullptr) return;
  fail(*run, model::Failing::watchdog, model::in_words(model::Failing::watchdog, *instance->spec),
       run->last_alive - from_ns(run->label.started_ns));
}

// The main process of a run, or one that has it among its parents, in its session, or in its
// cgroup.
Run* Supervisor::run_of_process(pid_t pid) {
  const auto led_by = [this](pid_t leader) -> Run* {
    for (auto& [id, run] : runs_)
      if (run.spawned && !run.exit && run.label.pid == leader) return &run;
    return nullptr;
  };
  pid_t session = 0;
  pid_t at = pid;
  for (int i = 0; i < kMostParents && at > 1; ++i) {
    if (Run* run = led_by(at)) return run;
    const std::optional<ProcStat> stat = read_stat(at);
    if (!stat) break;
    if (at == pid) session = stat->sid;
    at = stat->ppid;
  }
  if (Run* run = led_by(session)) return run;
  const Lane lane = lane_of(pid, p_.home_id);
  for (auto& [id, run] : runs_)
    if (lane && run.lane.dir == lane.dir && !run.exit) return &run;
  return nullptr;
}

// ---- channels

void Supervisor::attach_channel(Run& run, UniqueFd fd) {
  if (!fd) return;
  const RunId id = run.label.run;
  run.channel = std::make_unique<AppChannel>(
      p_.loop, std::move(fd),
      AppChannel::Hooks{.on_ready = [this, id] { on_said_ready(id); },
                        .on_closed = [this, id] { keeper_->drop_channel(id); }});
}

// ---- ready, or not at all

void Supervisor::on_said_ready(RunId id) {
  const Run* run = find_run(id);
  Instance* instance = run != nullptr ? find_mutable(run->label.instance) : nullptr;
  if (instance == nullptr || !instance->machine.current || instance->machine.current->id != id)
    return;
  if (instance->machine.current->phase == model::Phase::launching)
    return feed(*instance, {.kind = Input::Kind::ready, .run = id});
  if (instance->machine.current->phase == model::Phase::spawning)
    find_run(id)->said_ready = true;  // it was quicker than the news of it
}

void Supervisor::fail_run(RunId id, model::Failing why, std::string words, Duration worked_for) {
  if (Run* run = find_run(id)) fail(*run, why, std::move(words), worked_for);
}

// It is ended, and the restart policy decides. `worked_for`: how long after its start it was last
// seen to work.
void Supervisor::fail(Run& run, model::Failing why, std::string words, Duration worked_for) {
  Instance* instance = find_mutable(run.label.instance);
  if (instance == nullptr) return;
  run.failing = why;
  log_warning("health", "app=" + instance->spec->name + " pid=" + std::to_string(run.label.pid) +
                            " " + words);
  feed(*instance, {.kind = Input::Kind::fail,
                   .run = run.label.run,
                   .ran_for = worked_for,
                   .error = std::move(words)});
}

}  // namespace roost::daemon
