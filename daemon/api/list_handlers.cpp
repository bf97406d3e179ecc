#include <algorithm>
#include <csignal>
#include <utility>

#include <unistd.h>

#include "daemon/api/view.h"
#include "ipc/methods.h"

namespace roost::daemon {

namespace {

ipc::ListReply views_of(Services& services, const std::vector<model::InstanceId>& ids) {
  ipc::ListReply reply;
  for (model::InstanceId id : ids) {
    const Instance& instance = *services.supervisor.find(id);
    reply.instances.push_back(view_of(services, instance));
    reply.suspended = reply.suspended || instance.resume;
  }
  return reply;
}

// The files that these apps came from, each as it was when they got their settings from it.
std::vector<ipc::ConfigFile> files_of(const Supervisor& supervisor,
                                      const std::vector<model::InstanceId>& ids) {
  std::vector<ipc::ConfigFile> files;
  model::AppId seen{};
  for (model::InstanceId id : ids) {
    const model::AppId app = supervisor.find(id)->app;
    if (std::exchange(seen, app) == app) continue;  // instances of an app stand together
    const AppEntry& entry = supervisor.book().apps().at(app).entry;
    if (entry.source.empty() || !entry.stamp) continue;
    auto at = std::find_if(files.begin(), files.end(), [&](const ipc::ConfigFile& file) {
      return file.stamp == *entry.stamp && file.file == entry.source;
    });
    if (at == files.end())
      at = files.insert(at,
                        ipc::ConfigFile{.file = entry.source, .apps = {}, .stamp = *entry.stamp});
    at->apps.push_back(entry.spec.name);
  }
  return files;
}

void handle_reset(Services& services, const ipc::TargetsRequest& request,
                  Responder<ipc::ListReply> to) {
  const auto ids = services.supervisor.select(request.targets);
  if (!ids) return to.fail(ids.error());
  for (model::InstanceId id : *ids)
    services.supervisor.reset_counters(id);
  const auto pending = std::make_shared<std::pair<Responder<ipc::ListReply>, ipc::ListReply>>(
      std::move(to), views_of(services, *ids));
  services.supervisor.when_saved([pending](const Status& saved) {
    if (saved) return pending->first.reply(pending->second);
    pending->first.fail(Error{saved.error()}.context("reset, but not yet on disk"));
  });
}

void handle_signal(Services& services, const ipc::SignalRequest& request,
                   Responder<ipc::ListReply> to) {
  if (request.signal < 1 || request.signal >= NSIG)
    return to.fail({Errc::invalid, "no signal has the number " + std::to_string(request.signal),
                    "from 1 to " + std::to_string(NSIG - 1)});
  auto ids = services.supervisor.select(request.targets);
  if (!ids) return to.fail(ids.error());
  std::erase_if(
      *ids, [&](model::InstanceId id) { return !services.supervisor.signal(id, request.signal); });
  if (ids->empty())
    return to.fail(
        {Errc::conflict, "none of these has a process that may be signalled", "see: roost list"});
  to.reply(views_of(services, *ids));
}

}  // namespace

void register_list_handlers(Dispatcher& dispatcher, Services& services) {
  dispatcher.on(ipc::kList,
                Dispatcher::Handler<ipc::TargetsRequest, ipc::ListReply>(
                    [&services](const ipc::TargetsRequest& request, Responder<ipc::ListReply> to) {
                      const auto ids = services.supervisor.select(request.targets);
                      if (!ids) return to.fail(ids.error());
                      ipc::ListReply reply = views_of(services, *ids);
                      auto files = files_of(services.supervisor, *ids);
                      if (!files.empty()) reply.files = std::move(files);
                      to.reply(reply);
                    }));
  dispatcher.on(ipc::kReset,
                Dispatcher::Handler<ipc::TargetsRequest, ipc::ListReply>(
                    [&services](const ipc::TargetsRequest& request, Responder<ipc::ListReply> to) {
                      handle_reset(services, request, std::move(to));
                    }));
  dispatcher.on(ipc::kSignal,
                Dispatcher::Handler<ipc::SignalRequest, ipc::ListReply>(
                    [&services](const ipc::SignalRequest& request, Responder<ipc::ListReply> to) {
                      handle_signal(services, request, std::move(to));
                    }));
  dispatcher.on(ipc::kJlist, Dispatcher::Handler<ipc::TargetsRequest, ipc::EmptyRequest>(
                                 [&services](const ipc::TargetsRequest& request,
                                             Responder<ipc::EmptyRequest> to) {
                                   const auto ids = services.supervisor.select(request.targets);
                                   if (!ids) return to.fail(ids.error());
                                   to.document(render_jlist(services, *ids));
                                 }));
}

}  // namespace roost::daemon
