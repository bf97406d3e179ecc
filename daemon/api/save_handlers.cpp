// `daemon.save` and `app.resurrect`: PM2's habits. State is on disk anyway; what is saved here is a
// list to come back to, whatever is deleted meanwhile.
#include <algorithm>

#include "daemon/api/change.h"
#include "daemon/api/start_work.h"
#include "daemon/api/view.h"
#include "ipc/methods.h"

namespace roost::daemon {
namespace {

using model::InstanceId;

struct SavedApp {
  model::AppSpec spec;
  bool up = false;

  static constexpr auto fields() {
    return std::tuple{req("spec", &SavedApp::spec, "the spec"),
                      opt("up", &SavedApp::up, "an instance of it should be up")};
  }
};

struct SavedList {
  std::vector<SavedApp> apps;

  static constexpr auto fields() { return std::tuple{req("apps", &SavedList::apps, "all apps")}; }
};

bool is_saved_up(const Instance& instance) {
  return instance.resume || should_be_up(instance);
}

SavedList present_list(const Supervisor& supervisor) {
  SavedList list;
  for (const auto& [id, app] : supervisor.book().apps()) {
    const auto& instances = app.entry.instances;
    const bool up = std::any_of(instances.begin(), instances.end(), [&](const InstanceEntry& at) {
      return is_saved_up(*supervisor.find(InstanceId{at.id}));
    });
    list.apps.push_back({app.entry.spec, up});
  }
  return list;
}

void handle_save(Services& services, Responder<ipc::SaveReply> to) {
  const SavedList list = present_list(services.supervisor);
  ipc::SaveReply reply{static_cast<std::uint32_t>(list.apps.size()), 0};
  for (const SavedApp& app : list.apps)
    reply.up += app.up ? 1 : 0;
  services.supervisor.save_list(to_json(list),
                                [reply, done = answer(std::move(to))](const Status& saved) {
                                  if (!saved) return done(saved.error());
                                  done(reply);
                                });
}

Result<SavedList> saved_list(const Supervisor& supervisor) {
  if (supervisor.saved_list().empty()) return SavedList{};
  auto list = from_json<SavedList>(supervisor.saved_list(), kBookLimits);
  if (!list) return std::move(list).error().context("the saved list");
  return list;
}

void handle_resurrect(Services& services, Responder<ipc::StartReply> to) {
  if (services.ending) return to.fail(everything_ends());
  const auto list = saved_list(services.supervisor);
  if (!list) return to.fail(list.error());
  std::vector<ipc::PlanItem> items;
  for (const SavedApp& saved : list->apps)
    if (services.supervisor.book().find(saved.spec.name) == nullptr)
      items.push_back({.app = saved.spec.name, .action = ipc::PlanAction::add});
  auto change = begin_change(services.supervisor, {to.uid(), "roost resurrect"}, items);
  const WallMs first_sent = to.first_sent();
  const StartWorkPtr work = begin_start(services, answer(std::move(to)));
  work->first_sent = first_sent;
  Supervisor& supervisor = services.supervisor;
  std::vector<InstanceId> ids;
  for (const auto& [id, instance] : supervisor.instances())
    if (instance.resume) ids.push_back(id);
  std::optional<Supervisor::Edit> edit;
  edit.emplace(supervisor, Supervisor::Committed());
  record_change(supervisor, change);
  for (const SavedApp& saved : list->apps) {
    const AppEntry* known = supervisor.book().find(saved.spec.name);
    const auto found = known != nullptr ? known->instance_ids() : submitted(work, [&](auto done) {
      return supervisor.add_app(saved.spec, done);
    });
    if (saved.up) ids.insert(ids.end(), found.begin(), found.end());
  }
  edit.reset();
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  start_existing(work, ids, true);
  supervisor.when_saved(on_disk(work));
  work->done_one();
}

}  // namespace

void register_save_handlers(Dispatcher& dispatcher, Services& services) {
  dispatcher.on(ipc::kSave,
                Dispatcher::Handler<ipc::EmptyRequest, ipc::SaveReply>(
                    [&services](const ipc::EmptyRequest&, Responder<ipc::SaveReply> to) {
                      handle_save(services, std::move(to));
                    }));
  dispatcher.on(ipc::kResurrect,
                Dispatcher::Handler<ipc::EmptyRequest, ipc::StartReply>(
                    [&services](const ipc::EmptyRequest&, Responder<ipc::StartReply> to) {
                      handle_resurrect(services, std::move(to));
                    }));
}

}  // namespace roost::daemon
