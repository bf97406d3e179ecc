// Apps as entries: adding, replacing, removing, selecting; and what of them is kept where.
#include <algorithm>
#include <set>

#include <sys/resource.h>

#include "core/base/suggest.h"
#include "core/model/readiness.h"
#include "daemon/supervisor/regex.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

namespace limits = model::limits;
using model::AppId;
using model::InstanceId;

namespace {

std::uint64_t descriptor_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

// Those that stay when the number changes; their runs do not know it.
void tell_count(Supervisor::Instances& instances, const AppEntry& entry,
                const model::SpecPtr& spec) {
  for (const InstanceEntry& at : entry.instances) {
    Instance& instance = instances.at(InstanceId{at.id});
    if (instance.spec->instances != spec->instances) instance.spec = spec;
  }
}

}  // namespace

std::uint64_t Supervisor::most_instances(std::uint64_t further) const {
  const auto left = [](std::uint64_t have, std::uint64_t taken) {
    return have - std::min(have, taken);
  };
  const KeeperFacts& keeper = keeper_->facts();
  const std::uint64_t own =
      left(descriptor_limit(), further + limits::kFdReserve + limits::kMaxOpenLogFiles);
  const std::uint64_t held = std::min<std::uint64_t>(
      keeper.capacity, left(keeper.fd_capacity, further) / limits::kFdsPerRun);
  return std::min<std::uint64_t>(
      {own / limits::kFdsPerRun, left(held, limits::kMaxHeldAcks), limits::kMaxInstances});
}

// Without them no app is refused.
bool Supervisor::has_room_for_outputs() {
  constexpr std::uint64_t kInstances =
      limits::kMaxKeptOutputs * limits::kFdsPerKeptOutput / limits::kFdsPerRun + 1;
  if (!room_for_outputs_) room_for_outputs_ = most_instances() >= instances_.size() + kInstances;
  return *room_for_outputs_;
}

std::uint64_t Supervisor::further_descriptors() const {
  std::uint64_t further = 0;
  for (const auto& [id, instance] : instances_)
    further += model::further_descriptors(*instance.spec);
  return further;
}

// Everything an instance needs for its whole life is looked at before anything is done.
Status Supervisor::check_room(std::size_t more, std::size_t more_further) const {
  const std::uint64_t total = instances_.size() + more;
  const std::uint64_t further = further_descriptors() + more_further;
  const std::string asked = std::to_string(total) + " instances";
  if (total > limits::kMaxInstances)
    return Error{Errc::conflict,
                 asked + " are more than the limit of " + std::to_string(limits::kMaxInstances),
                 {}};
  const std::uint64_t own =
      total * limits::kFdsPerRun + further + limits::kFdReserve + limits::kMaxOpenLogFiles;
  if (total <= most_instances(further)) return ok();
  return Error{
      Errc::conflict,
      asked + " need " + std::to_string(own) + " file descriptors, but this roost may open " +
          std::to_string(descriptor_limit()),
      "raise the hard limit (ulimit -Hn, or LimitNOFILE= of the service) and start roost anew"};
}

Instance& Supervisor::make_instance(const AppEntry& entry, const InstanceEntry& at,
                                    model::SpecPtr spec) {
  Instance& instance = instances_[InstanceId{at.id}];
  instance.id = InstanceId{at.id};
  instance.app = AppId{entry.id};
  instance.slot = at.slot;
  instance.generation = entry.generation;
  instance.created_ms = entry.created_ms;
  instance.spec = std::move(spec);
  room_for_outputs_.reset();
  return instance;
}

// Not one of a deleted app whose run is still there, with output that waits for a disk, say: the
// next daemon would take it for the new app's.
std::uint32_t Supervisor::next_instance() const {
  std::uint32_t next = book_.next_instance();
  for (const auto& [id, run] : runs_)
    next = std::max(next, raw(run.label.instance) + 1);
  return next;
}

Result<std::vector<InstanceId>> Supervisor::add_app(model::AppSpec spec, Committed done,
                                                    std::string source) {
  if (Status valid = model::validate(spec); !valid) return std::move(valid).error();
  const std::size_t further = model::further_descriptors(spec) * spec.instances;
  if (Status room = check_room(spec.instances, further); !room)
    return std::move(room).error().context("app '" + spec.name + "'");
  AppEntry entry;
  entry.id = raw(book_.next_app());
  entry.created_ms = wall_now_ms();
  entry.spec = std::move(spec);
  entry.source = std::move(source);
  const std::uint32_t first = next_instance();
  for (std::uint32_t slot = 0; slot < entry.spec.instances; ++slot)
    entry.instances.push_back({first + slot, slot});
  return put_instances(std::move(entry), 0, std::move(done));
}

Result<std::vector<InstanceId>> Supervisor::grow(AppId app, std::uint32_t more, Committed done) {
  AppEntry entry = book_.apps().at(app).entry;
  if (Status room = check_room(more, model::further_descriptors(entry.spec) * more); !room)
    return std::move(room).error().context("app '" + entry.spec.name + "'");
  const std::size_t before = entry.instances.size();
  std::set<std::uint32_t> used;
  for (const InstanceEntry& at : entry.instances)
    used.insert(at.slot);
  std::uint32_t id = next_instance();
  for (std::uint32_t slot = 0; entry.instances.size() < before + more; ++slot)
    if (!used.contains(slot)) entry.instances.push_back({id++, slot});
  entry.spec.instances = static_cast<std::uint32_t>(entry.instances.size());
  return put_instances(std::move(entry), before, std::move(done));
}

// Makes the instances of an entry from number `first` on, and puts the entry on record.
std::vector<InstanceId> Supervisor::put_instances(AppEntry entry, std::size_t first,
                                                  Committed done) {
  const auto shared = std::make_shared<const model::AppSpec>(entry.spec);
  std::vector<InstanceId> ids;
  for (std::size_t i = first; i < entry.instances.size(); ++i)
    ids.push_back(make_instance(entry, entry.instances[i], shared).id);
  if (!has_room_for_outputs()) {
    kept_outputs_.let_all_go();
    p_.lanes.let_go();
  }
  tell_count(instances_, entry, shared);
  const AppId app{entry.id};
  store::Batch batch{store::PutApp{app, book_.put(std::move(entry))}};
  put_book(std::move(done), std::move(batch));
  for (InstanceId id : ids) {
    save_note(instances_.at(id));
    p_.bus.publish({.kind = Event::Kind::added, .instance = id});
  }
  return ids;
}

void Supervisor::remove(std::span<const InstanceId> ids, Committed done) {
  store::Batch batch;
  std::set<AppId> smaller;
  for (InstanceId id : ids) {
    const auto it = instances_.find(id);
    if (it == instances_.end() || it->second.machine.current) continue;
    const AppId app = it->second.app;
    p_.bus.publish({.kind = Event::Kind::deleted,
                    .instance = id,
                    .name = it->second.spec->name,
                    .ns = it->second.spec->ns,
                    .slot = it->second.slot});
    instances_.erase(it);
    room_for_outputs_.reset();
    p_.lanes.remove(id);
    keeper_->drop_entry(kNoteKey + raw(id));
    AppEntry entry = book_.apps().at(app).entry;
    std::erase_if(entry.instances, [&](const InstanceEntry& at) { return at.id == raw(id); });
    if (entry.instances.empty()) {
      book_.erase(app);
      smaller.erase(app);
      batch.emplace_back(store::DeleteApp{app});
      continue;
    }
    entry.spec.instances = static_cast<std::uint32_t>(entry.instances.size());
    batch.emplace_back(store::PutApp{app, book_.put(std::move(entry))});
    batch.emplace_back(store::DeleteInstance{id});
    smaller.insert(app);
  }
  for (const AppId app : smaller) {
    const AppEntry& entry = book_.apps().at(app).entry;
    tell_count(instances_, entry, std::make_shared<const model::AppSpec>(entry.spec));
  }
  put_book(std::move(done), std::move(batch));
}

// ---- where things are kept

void Supervisor::persist(store::Batch batch, store::Durability durability, Committed done) {
  if (p_.store != nullptr) return p_.store->submit(std::move(batch), durability, std::move(done));
  if (done) p_.loop.defer([done = std::move(done)] { done(ok()); });
}

void Supervisor::when_saved(Committed done) {
  persist({}, store::Durability::durable, std::move(done));
}

void Supervisor::resubmit_everything() {
  store::Batch batch;
  for (const auto& [id, app] : book_.apps())
    batch.emplace_back(store::PutApp{id, app.json});
  for (auto& [id, instance] : instances_) {
    LabelBytes bytes;
    model::store_label(note_of(instance), std::span(bytes));
    batch.emplace_back(store::PutInstance{id, instance.app, instance.slot, bytes});
  }
  for (const auto& [id, run] : runs_) {
    if (!run.spawned || run.exit) continue;
    LabelBytes bytes;
    model::store_label(run.label, std::span(bytes));
    batch.emplace_back(store::PutRun{run.label.run, run.label.instance, run.label.pid,
                                     run.label.start_ticks, p_.boot_id, bytes});
  }
  if (const auto& change = book_.change())
    batch.emplace_back(store::AddChange{change->number, change->json, change->former});
  if (!saved_list_.empty()) batch.emplace_back(store::SetMeta{kSavedListKey, saved_list_});
  persist(std::move(batch), store::Durability::background, {});
}

LogPaths Supervisor::log_paths(const Instance& instance) const {
  return log_paths_of(*instance.spec, instance.slot, p_.log_dir);
}

LogTarget Supervisor::log_target(const Instance& instance, model::Stream stream) const {
  return log_target_of(*instance.spec, instance.id, instance.slot, stream, log_paths(instance));
}

// ---- selection

Result<std::vector<InstanceId>> Supervisor::select(const std::vector<std::string>& targets) const {
  Result<std::vector<model::Selector>> selectors = parse_targets(targets);
  if (!selectors) return std::move(selectors).error();
  std::vector<const Instance*> chosen;
  std::vector<bool> used(selectors->size(), false);
  for (const auto& [id, instance] : instances_) {
    const model::TargetFacts facts{id, instance.spec->name, instance.spec->ns, instance.slot,
                                   &instance.spec->labels};
    bool wanted = targets.empty();
    for (std::size_t i = 0; i < selectors->size(); ++i) {
      if (!model::matches((*selectors)[i], facts)) continue;
      wanted = true;
      used[i] = true;
    }
    if (wanted) chosen.push_back(&instance);
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i] || (*selectors)[i].kind == model::Selector::Kind::all) continue;
    std::vector<std::string_view> names;
    for (const auto& [id, app] : book_.apps())
      names.push_back(app.entry.spec.name);
    if ((*selectors)[i].kind == model::Selector::Kind::labels)
      return Error{Errc::not_found, "no app has the labels '" + targets[i] + "'",
                   "labels are shown by: roost describe"};
    const std::string hint = did_you_mean(targets[i], names);
    return Error{Errc::not_found, "no app '" + targets[i] + "'",
                 hint.empty() ? "see what there is with: roost list" : hint};
  }
  std::sort(chosen.begin(), chosen.end(), [](const Instance* a, const Instance* b) {
    return std::pair(std::string_view(a->spec->name), a->slot) <
           std::pair(std::string_view(b->spec->name), b->slot);
  });
  std::vector<InstanceId> ids;
  ids.reserve(chosen.size());
  for (const Instance* instance : chosen)
    ids.push_back(instance->id);
  return ids;
}

}  // namespace roost::daemon
