#include "daemon/policies/policies.h"

#include <utility>

namespace roost::daemon {
namespace {
constexpr Duration kSoon = 20ms;

bool has_policy(const model::AppSpec& spec) {
  return spec.watch || spec.job || !spec.cron_restart.empty() || spec.max_memory_restart;
}
}  // namespace

Policies::Policies(loop::Loop& loop, loop::Worker& worker, Bus& bus, Supervisor& supervisor,
                   std::string home)
    : bus_(bus),
      supervisor_(supervisor),
      home_(std::move(home)),
      zones_(worker, [this] { look_soon(); }),
      cron_(loop, supervisor, zones_),
      jobs_(loop, supervisor, zones_),
      memory_(loop, worker, supervisor),
      files_(loop, worker,
             [this](model::AppId app, const std::string& what) { restart_changed(app, what); }),
      soon_(loop, [this] { sync(); }) {}

Policies::~Policies() {
  stop();
}

void Policies::start() {
  token_ = bus_.subscribe([this](const Event& event) { on_event(event); });
  sync();
}

// What happens to an app that nothing here restarts is no news, but that it waits: it may be for a
// job.
void Policies::on_event(const Event& event) {
  const Instance* instance = supervisor_.find(event.instance);
  if (event.kind == Event::Kind::held || followed_.contains(event.instance) ||
      (instance != nullptr && has_policy(*instance->spec)))
    look_soon();
}

void Policies::look_soon() {
  if (token_ != 0 && !soon_.active()) soon_.start(kSoon);
}

void Policies::when_known(model::InstanceId job, std::function<void()> done) {
  jobs_.when_known(job, std::move(done));
  look_soon();
}

void Policies::stop() {
  bus_.unsubscribe(std::exchange(token_, 0));
  soon_.cancel();
  cron_.stop();
  jobs_.stop();
  memory_.stop();
  files_.keep_only([](model::AppId) { return false; });
}

void Policies::sync() {
  followed_.clear();
  for (const auto& [id, instance] : supervisor_.instances())
    if (has_policy(*instance.spec)) followed_.insert(id);
  cron_.sync();
  jobs_.sync();
  memory_.sync();
  sync_files();
}

// An app is watched until all of its instances have been stopped.
void Policies::sync_files() {
  std::map<model::AppId, const Instance*> wanted;
  for (const auto& [id, instance] : supervisor_.instances())
    if (instance.spec->watch && model::is_wanted(instance.machine))
      wanted.emplace(instance.app, &instance);
  files_.keep_only([&](model::AppId app) { return wanted.contains(app); });
  for (const auto& [app, instance] : wanted) {
    std::vector<std::string> never{home_};
    for (model::InstanceId id : supervisor_.book().apps().at(app).entry.instance_ids()) {
      const LogPaths paths = supervisor_.log_paths(*supervisor_.find(id));
      for (const std::string& path : {paths.out, paths.err, paths.both}) {
        if (path.empty()) continue;
        never.push_back(path);
        never.push_back(path + std::string(model::kMarksSuffix));
      }
    }
    files_.watch(app, instance->spec, never);
  }
}

// What somebody has stopped stays down. One that has given up gets another chance: it may be what
// was mended.
void Policies::restart_changed(model::AppId app, const std::string& what) {
  const auto entry = supervisor_.book().apps().find(app);
  if (entry == supervisor_.book().apps().end()) return;
  for (model::InstanceId id : entry->second.entry.instance_ids()) {
    const Instance* instance = supervisor_.find(id);
    if (instance != nullptr && model::is_wanted(instance->machine)) supervisor_.restart(id, what);
  }
}

}  // namespace roost::daemon
