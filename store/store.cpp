#include "store/store.h"

#include <utility>

#include "store/state_file.h"
#include "store/worker.h"

namespace roost::store {

class Store::Impl {
 public:
  Impl(Options options, OpenedFile file)
      : snapshot(std::move(file.snapshot)), worker(std::move(options), std::move(file)) {}

  Snapshot snapshot;
  Worker worker;
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(Options options) {
  Result<OpenedFile> file =
      open_state_file({.path = options.path, .vfs = options.vfs, .exits_kept = options.exits_kept});
  if (!file) return std::move(file).error();
  auto impl = std::make_unique<Impl>(std::move(options), *std::move(file));
  if (Status started = impl->worker.start(); !started) return std::move(started).error();
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Snapshot Store::load() {
  return std::exchange(impl_->snapshot, {});
}

void Store::submit(Batch batch, Durability durability, Done done) {
  impl_->worker.submit({std::move(batch), durability, std::move(done)});
}

void Store::write_waiting() {
  impl_->worker.write_waiting();
}

void Store::record(Batch batch, bool more_follow) {
  impl_->worker.record({std::move(batch), Durability::background, {}}, !more_follow);
}

void Store::recent_exits(model::InstanceId instance, std::uint32_t limit, ExitsDone done) {
  impl_->worker.read([=](StateDb& db, int& code) { return db.recent_exits(instance, limit, code); },
                     std::move(done));
}

void Store::recent_exits(model::AppId app, std::uint32_t limit, ExitsDone done) {
  impl_->worker.read([=](StateDb& db, int& code) { return db.recent_exits(app, limit, code); },
                     std::move(done));
}

void Store::changes(std::uint64_t from, std::uint32_t limit, ChangesDone done) {
  impl_->worker.read([=](StateDb& db, int& code) { return db.changes(from, limit, code); },
                     std::move(done));
}

void Store::release_memory(std::function<void()> done) {
  impl_->worker.read(
      [](StateDb& db, int&) {
        db.release_memory();
        return true;
      },
      [done = std::move(done)](const Result<bool>&) { done(); });
}

Stats Store::stats() const {
  return impl_->worker.stats();
}

}  // namespace roost::store
