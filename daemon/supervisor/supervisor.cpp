#include "daemon/supervisor/supervisor.h"

#include <algorithm>

#include <unistd.h>

#include "core/base/check.h"
#include "core/model/limits.h"
#include "daemon/log.h"
#include "daemon/supervisor/recovery.h"

namespace roost::daemon {

using model::Input;
using model::InstanceId;
using model::RunId;

Supervisor::Supervisor(SupervisorParts parts)
    : p_(std::move(parts)),
      recovery_(std::make_unique<Recovery>(*this)),
      stop_commands_(p_.loop, p_.worker, model::limits::kMaxStopCommands),
      memory_groups_(p_.home_id),
      random_(static_cast<std::minstd_rand::result_type>(to_ns(Monotonic::now()) ^ ::getpid())) {
  if (p_.store != nullptr) snapshot_ = p_.store->load();
  saved_list_ = std::move(snapshot_.meta[kSavedListKey]);
  last_change_ = snapshot_.newest_change;
}

Supervisor::~Supervisor() = default;

void Supervisor::connect(KeeperLink& keeper, Spawner& spawner, Pump& pump) {
  keeper_ = &keeper;
  spawner_ = &spawner;
  pump_ = &pump;
}

// ---- the hand-over

void Supervisor::on_keeper_specs(UniqueFd memfd) {
  if (recovery_) recovery_->add_specs(std::move(memfd));
}

void Supervisor::on_keeper_entry(std::uint64_t key, const LabelBytes& label, UniqueFd fd) {
  if (key >= kNoteKey && recovery_) return recovery_->add_note(label);
  if (key == kNotifyKey)
    inherited_notify_ = std::move(fd);
  else if (key == kRelayKey)
    relay_.pipe = std::move(fd);
  else if (key == kRelayNoteKey)
    relay_.note = std::move(fd);
  else if (on_foreign_entry)
    on_foreign_entry(key, std::move(fd));
}

// Those of the daemon before, with what is in them; else new ones, as soon as the keeper has them.
void Supervisor::open_relay() {
  if (!relay_.pipe || !relay_.note) {
    Result<RelayFds> made = make_relay();
    if (!made) return log_warning("logs", "no relay: " + made.error().message);
    // What is in a pipe whose note is lost, the pump drops and says so.
    if (!relay_.pipe) relay_.pipe = std::move(made->pipe);
    relay_.note = std::move(made->note);
    keeper_->store_entry(kRelayKey, LabelBytes{}, relay_.pipe.get());
    keeper_->store_entry(kRelayNoteKey, LabelBytes{}, relay_.note.get());
    if (keeper_->is_behind()) return log_warning("logs", "no relay: the keeper does not read");
  }
  pump_->use_relay(relay_.pipe.get(), relay_.note.get());
}

void Supervisor::on_keeper_run(KeeperRun run) {
  if (recovery_) recovery_->add_run(std::move(run));
}

void Supervisor::on_keeper_ready() {
  if (!recovery_) return;
  const std::unique_ptr<Recovery> recovery = std::move(recovery_);
  open_notify_socket();
  open_relay();
  recovery->finish();
  snapshot_ = {};
  log_info("recovery", "instances=" + std::to_string(instances_.size()) +
                           " runs=" + std::to_string(runs_.size()));
  if (on_recovered) on_recovered();
}

void Supervisor::on_keeper_refused(std::uint64_t key, bool bare) {
  if (key == kRelayKey || key == kRelayNoteKey) {
    pump_->leave_relay();  // it would not outlive this daemon
    return log_warning("logs", "no relay: the keeper has no room for it");
  }
  if (bare) return;  // what is kept has its label at least
  log_error("keeper", "table full: key " + std::to_string(key) + " is not kept");
}

// What the spawner's thread was to have written, if that hangs.
void Supervisor::on_keeper_ping() {
  if (p_.store != nullptr) p_.store->write_waiting();
  if (on_keeper_alive) on_keeper_alive();
}

void Supervisor::on_keeper_upgraded(bool done) {
  if (on_upgraded) on_upgraded(done);
}

void Supervisor::on_keeper_gone() {
  if (on_keeper_lost) on_keeper_lost();
}

// ---- questions

const Instance* Supervisor::find(InstanceId id) const {
  const auto it = instances_.find(id);
  return it == instances_.end() ? nullptr : &it->second;
}

Instance* Supervisor::find_mutable(InstanceId id) {
  const auto it = instances_.find(id);
  return it == instances_.end() ? nullptr : &it->second;
}

Run* Supervisor::find_run(RunId id) {
  const auto it = runs_.find(raw(id));
  return it == runs_.end() ? nullptr : &it->second;
}

const Run* Supervisor::current_run(const Instance& instance) const {
  if (!instance.machine.current) return nullptr;
  const auto it = runs_.find(raw(instance.machine.current->id));
  return it == runs_.end() ? nullptr : &it->second;
}

bool Supervisor::is_up(const AppEntry& entry) const {
  const auto ids = entry.instance_ids();
  return std::any_of(ids.begin(), ids.end(),
                     [this](InstanceId id) { return find(id)->machine.current.has_value(); });
}

RunId Supervisor::next_run_id() {
  return RunId{run_serial_ << 32U | ++run_counter_};
}

// ---- commands

void Supervisor::start(InstanceId id) {
  Instance* instance = find_mutable(id);
  if (instance == nullptr) return;
  begin_times(*instance);
  feed(*instance, {.kind = Input::Kind::start});
}

bool Supervisor::is_starting() const {
  return std::any_of(instances_.begin(), instances_.end(), [](const auto& entry) {
    return model::state_of(entry.second.machine) == model::State::launching;
  });
}

void Supervisor::stop(InstanceId id) {
  if (Instance* instance = find_mutable(id)) feed(*instance, {.kind = Input::Kind::stop});
}

void Supervisor::restart(InstanceId id, std::string why) {
  Instance* instance = find_mutable(id);
  if (instance == nullptr) return;
  begin_times(*instance);
  feed(*instance, {.kind = Input::Kind::restart, .error = std::move(why)});
}

void Supervisor::set_cron_due(InstanceId id, WallMs due) {
  Instance* instance = find_mutable(id);
  if (instance == nullptr) return;
  instance->cron_due_ms = due;
  save_note(*instance);
}

void Supervisor::restart_by_cron(InstanceId id, WallMs next_due, std::string why) {
  Instance* instance = find_mutable(id);
  if (instance == nullptr) return;
  instance->cron_due_ms = next_due;  // into the note that the restart makes
  feed(*instance, {.kind = Input::Kind::restart, .error = std::move(why)});
}

void Supervisor::reset_counters(InstanceId id) {
  Instance* instance = find_mutable(id);
  if (instance == nullptr) return;
  instance->machine.restarts = instance->machine.quick_exits = 0;
  save_note(*instance);
}

void Supervisor::suspend(InstanceId id) {
  Instance* instance = find_mutable(id);
  if (instance == nullptr) return;
  const bool was_up = instance->resume || should_be_up(*instance);
  const bool gave_up = !instance->machine.current && instance->machine.rest == model::Rest::errored;
  const model::AppSpec& spec = *instance->spec;
  const bool is_done =
      has_done_its_work(*instance) && spec.cron_restart.empty() && !spec.watch;  // nor comes again
  if ((gave_up || is_done) && !was_up) return;  // nobody asked for that
  feed(*instance, {.kind = Input::Kind::stop}, was_up ? Resume::later : Resume::no);
}

void Supervisor::save_list(std::string json, Committed done) {
  saved_list_ = std::move(json);
  persist({store::SetMeta{kSavedListKey, saved_list_}}, store::Durability::durable,
          std::move(done));
}

}  // namespace roost::daemon
