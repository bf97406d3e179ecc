// `app.apply`: one at a time, so that two never mix.
#include <algorithm>
#include <deque>
#include <set>

#include "core/model/dependency_graph.h"
#include "daemon/api/apply_plan.h"
#include "daemon/api/start_work.h"
#include "daemon/api/stop_work.h"
#include "daemon/api/view.h"
#include "ipc/methods.h"

namespace roost::daemon {
namespace {

using ipc::ApplyApp;
using ipc::ApplyRequest;
using ipc::StartReply;
using model::AppId;
using model::InstanceId;

bool same_but_count(model::AppSpec a, const model::AppSpec& b) {
  a.instances = b.instances;
  return a == b;
}

// What others depend on is started first, so that they find it under way.
std::vector<const ApplyApp*> in_order(const ApplyRequest& request) {
  std::vector<const ApplyApp*> left;
  for (const ApplyApp& app : request.apps)
    left.push_back(&app);
  std::vector<const ApplyApp*> ordered;
  while (!left.empty()) {
    const auto waits = [&left](const ApplyApp* app) {
      return std::any_of(left.begin(), left.end(), [app](const ApplyApp* other) {
        return app->spec.depends_on.contains(other->spec.name);
      });
    };
    const auto free = std::stable_partition(left.begin(), left.end(), waits);
    if (free == left.end()) break;  // a circle: refused before
    ordered.insert(ordered.end(), free, left.end());
    left.erase(free, left.end());
  }
  return ordered;
}

// Looked at as a whole before anything is done.
Status check(const Supervisor& supervisor, const ApplyRequest& request) {
  std::set<std::string> names;
  std::size_t more = 0;
  std::size_t channels = 0;
  for (const ApplyApp& app : request.apps) {
    if (Status valid = model::validate(app.spec); !valid)
      return std::move(valid).error().context("app '" + app.spec.name + "'");
    if (!names.insert(app.spec.name).second)
      return Error{Errc::invalid, "two apps are called '" + app.spec.name + "'", {}};
    const AppEntry* known = supervisor.book().find(app.spec.name);
    const std::size_t have = known != nullptr ? known->instances.size() : 0;
    more += app.spec.instances - std::min<std::size_t>(app.spec.instances, have);
    const bool had_channel = known != nullptr && model::wants_channel(known->spec);
    if (model::wants_channel(app.spec))
      channels +=
          app.spec.instances - std::min<std::size_t>(app.spec.instances, had_channel ? have : 0);
  }
  if (Status possible = model::check_dependencies(graph_of(supervisor, request.apps)); !possible)
    return possible;
  return supervisor.check_room(more, channels);
}

// One app on its way to its spec.
struct Step {
  StartWorkPtr work;
  model::AppSpec spec;
  std::string file;
  bool start = true;
  bool wait = true;
  bool changed = false;
  int tries = 0;  // of stopping it, against somebody who starts it
};

void mark_changed(StartWork& work, const std::vector<InstanceId>& ids) {
  for (ipc::StartOutcome& outcome : work.reply.outcomes)
    if (std::find(ids.begin(), ids.end(), InstanceId{outcome.instance.id}) != ids.end())
      outcome.changed = true;
}

void report_only(StartWork& work, const std::vector<InstanceId>& ids) {
  for (InstanceId id : ids) {
    ipc::StartOutcome outcome;
    outcome.instance = view_of(work.services, *work.services.supervisor.find(id));
    outcome.ok = true;
    work.reply.outcomes.push_back(std::move(outcome));
  }
}

void add(const Step& step) {
  const auto ids = submitted(step.work, [&](auto done) {
    return step.work->services.supervisor.add_app(step.spec, done, step.file);
  });
  step.start ? start_existing(step.work, ids, step.wait) : report_only(*step.work, ids);
}

void shrink(const Step& step, const AppEntry& entry) {
  ++step.work->open;
  stop_and_forget(step.work->services,
                  last_instances(entry, entry.instances.size() - step.spec.instances),
                  [work = step.work](Result<ipc::StopReply> stopped) {
                    if (!stopped) work->failed = std::move(stopped).error();
                    work->done_one();
                  });
}

// The settings are right; now the number of instances, and whether they run.
void finish(const Step& step) {
  Supervisor& supervisor = step.work->services.supervisor;
  const AppEntry* entry = supervisor.book().find(step.spec.name);
  if (entry == nullptr) return add(step);  // deleted meanwhile
  std::vector<InstanceId> ids = entry->instance_ids();
  if (step.spec.instances > ids.size()) {
    const auto more = static_cast<std::uint32_t>(step.spec.instances - ids.size());
    const auto grown = submitted(
        step.work, [&](auto done) { return supervisor.grow(AppId{entry->id}, more, done); });
    ids.insert(ids.end(), grown.begin(), grown.end());
  } else if (step.spec.instances < ids.size()) {
    const auto gone = last_instances(*entry, ids.size() - step.spec.instances);
    std::erase_if(
        ids, [&](InstanceId id) { return std::find(gone.begin(), gone.end(), id) != gone.end(); });
    shrink(step, *entry);
  }
  step.start ? start_existing(step.work, ids, step.wait) : report_only(*step.work, ids);
  if (step.changed) mark_changed(*step.work, ids);
}

constexpr int kMostTries = 3;

Error contested(const std::string& name) {
  return {Errc::conflict,
          "app '" + name + "' was started again by somebody else, with the settings of before",
          "start the file once more"};
}

// What has other settings is stopped first, gets them, and runs again.
void change(Step step, const AppEntry& entry) {
  Services& services = step.work->services;
  const std::vector<InstanceId> ids = entry.instance_ids();
  step.changed = true;
  ++step.tries;
  step.start = step.start || services.supervisor.is_up(entry);
  for (InstanceId id : ids) {
    const Instance& instance = *services.supervisor.find(id);
    step.start = step.start || should_be_up(instance);
    if (instance.machine.current && step.spec.job) step.work->jobs.insert(id);  // it runs again
    services.supervisor.stop(id);
  }
  ++step.work->open;
  services.waits.until_down(ids, [step = std::move(step), &services](const auto&) {
    if (services.ending) step.work->failed = everything_ends();
    if (services.ending) return step.work->done_one();
    const AppEntry* still = services.supervisor.book().find(step.spec.name);
    if (still != nullptr && services.supervisor.is_up(*still)) {  // started again meanwhile
      if (step.tries < kMostTries) change(step, *still);
      if (step.tries >= kMostTries) step.work->failed = contested(step.spec.name);
      return step.work->done_one();
    }
    if (still != nullptr)
      services.supervisor.replace_spec(AppId{still->id}, step.spec, on_disk(step.work));
    finish(step);
    step.work->done_one();
  });
}

// Those that were in the file before.
void prune(const StartWorkPtr& work, const std::vector<ipc::PlanItem>& plan) {
  std::vector<InstanceId> ids;
  for (const ipc::PlanItem& item : plan) {
    if (item.action != ipc::PlanAction::remove) continue;
    const auto more = work->services.supervisor.book().find(item.app)->instance_ids();
    ids.insert(ids.end(), more.begin(), more.end());
  }
  if (ids.empty()) return;
  ++work->open;
  stop_and_forget(work->services, ids, [work](Result<ipc::StopReply> stopped) {
    if (stopped)
      work->reply.removed = std::move(stopped->outcomes);
    else
      work->failed = std::move(stopped).error();
    work->done_one();
  });
}

// An app belongs to the file that was applied last.
void take_over(const StartWorkPtr& work, const AppEntry& entry, const std::string& file) {
  if (!file.empty() && entry.source != file)
    work->services.supervisor.set_source(AppId{entry.id}, file, on_disk(work));
}

void apply(Services& services, const ApplyRequest& request,
           std::function<void(Result<StartReply>)> done) {
  if (services.ending) return done(everything_ends());
  if (Status possible = check(services.supervisor, request); !possible)
    return done(std::move(possible).error());
  const StartWorkPtr work = begin_start(services, std::move(done));
  work->reply.plan = make_plan(services.supervisor, request);
  if (request.dry_run) return work->done_one();
  prune(work, std::vector(work->reply.plan));
  for (const ApplyApp* app : in_order(request)) {
    const Step step{work, app->spec, request.file, app->start, request.wait};
    if (const AppEntry* entry = services.supervisor.book().find(app->spec.name))
      take_over(work, *entry, request.file);
    const AppEntry* known = services.supervisor.book().find(app->spec.name);
    if (known == nullptr)
      add(step);
    else if (same_but_count(known->spec, app->spec))
      finish(step);
    else
      change(step, *known);
  }
  services.supervisor.when_saved(on_disk(work));
  work->done_one();
}

class Queue {
 public:
  explicit Queue(Services& services) : services_(services) {}

  void add(ApplyRequest request, Responder<StartReply> to) {
    waiting_.push_back({std::move(request), answer(std::move(to))});
    if (waiting_.size() == 1) next();
  }

 private:
  struct Waiting {
    ApplyRequest request;
    std::function<void(Result<StartReply>)> done;
  };

  void next() {
    std::vector<const model::AppSpec*> specs;
    for (const ApplyApp& app : waiting_.front().request.apps)
      specs.push_back(&app.spec);
    services_.supervisor.check_identities(specs, [this](Status possible) {
      if (!possible) return done(std::move(possible).error());
      apply(services_, waiting_.front().request,
            [this](Result<StartReply> reply) { done(std::move(reply)); });
    });
  }

  void done(Result<StartReply> reply) {
    waiting_.front().done(std::move(reply));
    services_.loop.defer([this] {
      waiting_.pop_front();
      if (!waiting_.empty()) next();
    });
  }

  Services& services_;
  std::deque<Waiting> waiting_;  // bounded by the clients' pending requests; the first is under way
};

}  // namespace

void register_apply_handler(Dispatcher& dispatcher, Services& services) {
  const auto queue = std::make_shared<Queue>(services);
  dispatcher.on(ipc::kApply, Dispatcher::Handler<ApplyRequest, StartReply>(
                                 [queue](const ApplyRequest& request, Responder<StartReply> to) {
                                   queue->add(request, std::move(to));
                                 }));
}

}  // namespace roost::daemon
