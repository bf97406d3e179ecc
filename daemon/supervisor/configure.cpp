// What apps shall be: several at once, so that no daemon knows a part of them only.
#include <utility>

#include "core/base/kill_point.h"
#include "daemon/log.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

using model::AppId;
using model::InstanceId;

namespace {

bool same_but_count(model::AppSpec a, const model::AppSpec& b) {
  a.instances = b.instances;
  return a == b;
}

// What runs need not be restarted for what differs: no process knows its labels.
bool run_alike(model::AppSpec a, const model::AppSpec& b) {
  a.labels = b.labels;
  a.inherited = b.inherited;
  return same_but_count(std::move(a), b);
}

}  // namespace

Supervisor::Edit::Edit(Supervisor& supervisor, Committed done) : supervisor_(supervisor) {
  supervisor_.edit_.emplace();
  if (done) supervisor_.edit_->done.push_back(std::move(done));
}

Supervisor::Edit::~Edit() {
  OpenEdit edit = std::move(*supervisor_.edit_);
  supervisor_.edit_.reset();
  const auto tell = [done = std::move(edit.done)](const Status& saved) {
    for (const Committed& one : done)
      one(saved);
  };
  if (edit.batch.empty() && !supervisor_.unwritten_change_)
    supervisor_.p_.loop.defer([tell] { tell(ok()); });
  else
    supervisor_.put_book(tell, std::move(edit.batch));
}

bool Supervisor::configure(const AppWish& wish) {
  AppEntry entry;
  const AppEntry* known = book_.find(wish.spec.name);
  const bool differs = known == nullptr || !same_but_count(known->spec, wish.spec);
  const bool outdated = known != nullptr && !run_alike(known->spec, wish.spec);
  if (known != nullptr) {
    entry = *known;
    entry.generation += outdated ? 1 : 0;
  } else {
    entry.id = raw(book_.next_app());
    entry.created_ms = wall_now_ms();
  }
  if (differs) entry.spec = wish.spec;
  const bool same_file =
      known != nullptr && known->source == wish.source && known->stamp == wish.stamp;
  entry.source = wish.source;
  entry.stamp = wish.stamp;
  const std::size_t before = entry.instances.size();
  std::set<std::uint32_t> missing = wish.slots;
  for (const InstanceEntry& at : entry.instances)
    missing.erase(at.slot);
  std::uint32_t next = next_instance();
  for (const std::uint32_t slot : missing)
    entry.instances.push_back({next++, slot});
  entry.spec.instances = static_cast<std::uint32_t>(entry.instances.size());
  if (!differs && missing.empty() && same_file) return false;
  if (differs) give_spec(entry, before);
  put_instances(std::move(entry), before, {});
  return outdated;
}

// To the instances that there are, be they running: those runs have the generation of before.
void Supervisor::give_spec(const AppEntry& entry, std::size_t count) {
  const auto shared = std::make_shared<const model::AppSpec>(entry.spec);
  for (std::size_t i = 0; i < count; ++i) {
    Instance& instance = instances_.at(InstanceId{entry.instances[i].id});
    instance.spec = shared;
    room_for_outputs_.reset();
    if (std::exchange(instance.generation, entry.generation) != entry.generation) {
      instance.cron_due_ms = 0;  // of the spec before
      instance.job = {};
    }
    save_note(instance);
  }
}

void Supervisor::replace_spec(AppId app, model::AppSpec spec, Committed done) {
  AppEntry entry = book_.apps().at(app).entry;
  const std::size_t count = entry.instances.size();
  entry.spec = std::move(spec);
  entry.spec.instances = static_cast<std::uint32_t>(count);
  ++entry.generation;
  give_spec(entry, count);
  put_instances(std::move(entry), count, std::move(done));
}

// ---- where it is kept

void Supervisor::record_change(std::string json, std::string former) {
  unwritten_change_ = ChangeRow{++last_change_, std::move(json), std::move(former)};
}

// The newest change is in the book until it is on disk: a daemon that dies before leaves it to the
// next one.
Supervisor::Committed Supervisor::take_change(store::Batch& batch, Committed done) {
  if (!unwritten_change_) return done;
  ChangeRow row = std::move(*unwritten_change_);
  unwritten_change_.reset();
  const std::uint64_t number = row.number;
  batch.emplace_back(store::AddChange{number, row.json, row.former});
  book_.set_change(std::move(row));
  return [this, number, done = std::move(done)](const Status& saved) {
    if (saved) book_.forget_change(number);
    if (done) done(saved);
  };
}

void Supervisor::put_book(Committed done, store::Batch batch) {
  if (edit_) {
    for (store::Op& op : batch)
      edit_->batch.push_back(std::move(op));
    if (done) edit_->done.push_back(std::move(done));
    return;
  }
  done = take_change(batch, std::move(done));
  kill_point("book.before_put");
  Result<UniqueFd> memfd = book_.to_memfd();
  if (memfd)
    keeper_->put_specs(memfd->get());
  else
    log_error("book", memfd.error().message);
  kill_point("book.after_put");
  persist(std::move(batch), store::Durability::durable, std::move(done));
}

}  // namespace roost::daemon
