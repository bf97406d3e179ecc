// `app.scale`.
#include "daemon/api/change.h"
#include "daemon/api/start_work.h"
#include "daemon/api/stop_work.h"
#include "daemon/api/view.h"
#include "ipc/methods.h"

namespace roost::daemon {
namespace {

using ipc::ScaleReply;
using model::AppId;
using model::InstanceId;

// The one app that a word names, be it by an instance.
Result<AppId> find_app(Services& services, const std::string& word) {
  const auto ids = services.supervisor.select({word});
  if (!ids) return ids.error();
  if (ids->empty()) return Error{Errc::not_found, "no app '" + word + "'", {}};
  const AppId app = services.supervisor.find(ids->front())->app;
  for (InstanceId id : *ids)
    if (services.supervisor.find(id)->app != app)
      return Error{Errc::invalid, "'" + word + "' names several apps", "name one of them"};
  return app;
}

Result<std::uint32_t> wanted_count(const ipc::ScaleRequest& request, std::size_t now) {
  const std::int64_t wanted =
      request.instances + (request.relative ? static_cast<std::int64_t>(now) : 0);
  if (wanted < 1 || wanted > model::limits::kMaxInstancesPerApp)
    return Error{Errc::invalid,
                 "an app has 1 to " + std::to_string(model::limits::kMaxInstancesPerApp) +
                     " instances, not " + std::to_string(wanted),
                 wanted < 1 ? "to have none, use: roost stop, or roost delete" : ""};
  return static_cast<std::uint32_t>(wanted);
}

struct Growth {
  AppId app{};
  std::uint32_t more = 0;
  std::optional<Change> change;
};

void add(Services& services, const Growth& growth, const ipc::ScaleRequest& request,
         ScaleReply reply, std::function<void(Result<ScaleReply>)> done) {
  const StartWorkPtr work = begin_start(
      services,
      [reply = std::move(reply), done = std::move(done)](Result<ipc::StartReply> started) {
        if (!started) return done(std::move(started).error());
        ScaleReply whole = reply;
        whole.started = std::move(started->outcomes);
        done(std::move(whole));
      });
  start_existing(work,
                 submitted(work,
                           [&](auto saved) {
                             const Supervisor::Edit edit(services.supervisor, {});
                             auto ids = services.supervisor.grow(growth.app, growth.more, saved);
                             if (ids) record_change(services.supervisor, growth.change);
                             return ids;
                           }),
                 request.wait);
  work->done_one();
}

void handle_scale(Services& services, const ipc::ScaleRequest& request, Responder<ScaleReply> to) {
  if (services.ending) return to.fail(everything_ends());
  const auto app = find_app(services, request.app);
  if (!app) return to.fail(app.error());
  const AppEntry& entry = services.supervisor.book().apps().at(*app).entry;
  if (entry.spec.job)
    return to.fail(
        {Errc::invalid, "'" + entry.spec.name + "' is a job, which has one instance", {}});
  const std::vector<InstanceEntry> staying = staying_instances(services, entry);
  const auto before = static_cast<std::uint32_t>(staying.size());
  const auto wanted = wanted_count(request, before);
  if (!wanted) return to.fail(wanted.error());
  ScaleReply reply{before, *wanted, {}, {}};
  ipc::PlanItem item{.app = entry.spec.name, .action = ipc::PlanAction::change};
  item.changes.push_back({"instances", std::to_string(before), std::to_string(*wanted)});
  auto change = begin_change(services.supervisor, {to.uid(), request.command}, {item});
  if (*wanted > before)
    return add(services, {*app, *wanted - before, std::move(change)}, request, std::move(reply),
               answer(std::move(to)));
  if (*wanted == before) return to.reply(reply);
  stop_and_forget(services, last_instances(staying, before - *wanted), std::move(change),
                  [reply, done = answer(std::move(to))](Result<ipc::StopReply> stopped) {
                    if (!stopped) return done(std::move(stopped).error());
                    ScaleReply whole = reply;
                    whole.stopped = std::move(stopped->outcomes);
                    done(std::move(whole));
                  });
}

}  // namespace

void register_scale_handler(Dispatcher& dispatcher, Services& services) {
  dispatcher.on(ipc::kScale,
                Dispatcher::Handler<ipc::ScaleRequest, ScaleReply>(
                    [&services](const ipc::ScaleRequest& request, Responder<ScaleReply> to) {
                      handle_scale(services, request, std::move(to));
                    }));
}

}  // namespace roost::daemon
