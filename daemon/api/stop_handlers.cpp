// `app.stop`, `app.delete` and `daemon.kill`.
#include <algorithm>
#include <map>
#include <set>

#include "daemon/api/stop_work.h"
#include "daemon/api/target.h"
#include "daemon/api/view.h"
#include "ipc/methods.h"

namespace roost::daemon {

using ipc::StopOutcome;
using ipc::StopReply;
using model::InstanceId;

namespace {

using Facts = std::map<InstanceId, DownFact>;

StopOutcome before_stop(Services& services, InstanceId id) {
  const Instance& instance = *services.supervisor.find(id);
  StopOutcome outcome;
  outcome.instance = view_of(services, instance, Measured::no);
  outcome.pid = outcome.instance.pid;
  outcome.already_stopped = !instance.machine.current && !should_be_up(instance);
  return outcome;
}

StopReply stop_all(Services& services, const std::vector<InstanceId>& ids) {
  StopReply reply;
  for (InstanceId id : ids)
    reply.outcomes.push_back(before_stop(services, id));
  services.dependencies.stop(ids, [&services](InstanceId id) { services.supervisor.stop(id); });
  return reply;
}

void fill_in(Services& services, StopReply& reply, const Facts& facts) {
  for (StopOutcome& outcome : reply.outcomes) {
    const InstanceId id{outcome.instance.id};
    if (const Instance* instance = services.supervisor.find(id))
      outcome.instance = view_of(services, *instance);
    const auto fact = facts.find(id);
    if (fact == facts.end()) continue;
    outcome.processes = static_cast<std::uint32_t>(fact->second.processes);
    outcome.killed = static_cast<std::uint32_t>(fact->second.killed);
  }
}

struct Pending {
  StopReply reply;
  Responder<StopReply> to;
};

void handle_stop(Services& services, const ipc::TargetsRequest& request, Responder<StopReply> to) {
  auto ids = services.supervisor.select(request.targets);
  if (!ids) return to.fail(ids.error());
  // Stopped by the daemon that had the request before, and started by somebody since.
  std::erase_if(*ids, [&services, first_sent = to.first_sent()](InstanceId id) {
    const Run* run = services.supervisor.current_run(*services.supervisor.find(id));
    return first_sent != 0 && run != nullptr && run->label.started_wall_ms > first_sent;
  });
  const auto pending = std::make_shared<Pending>(Pending{stop_all(services, *ids), std::move(to)});
  services.waits.until_down(*ids, [&services, pending](const Facts& facts) {
    fill_in(services, pending->reply, facts);
    services.supervisor.when_saved([pending](const Status& saved) {
      if (!saved)
        return pending->to.fail(Error{saved.error()}.context("stopped, but not yet on disk"));
      pending->to.reply(pending->reply);
    });
  });
}

// What others have changed since it was begun stays changed when this is undone. Only what goes is
// as it was then: it has been stopped for this.
Change as_of_now(const Supervisor& supervisor, const Change& begun) {
  auto now = begin_change(supervisor, {begun.uid, begun.command, begun.file}, begun.items);
  if (!now) return begun;
  std::set<std::string_view> own;
  for (const FormerApp& app : begun.former.apps)
    own.insert(app.name);
  std::erase_if(now->former.down, [&](const DownSlots& at) { return own.contains(at.app); });
  for (const DownSlots& at : begun.former.down)
    if (own.contains(at.app)) now->former.down.push_back(at);
  return std::move(*now);
}

}  // namespace

std::vector<InstanceEntry> staying_instances(const Services& services, const AppEntry& entry) {
  std::vector<InstanceEntry> staying = entry.instances;
  std::erase_if(staying, [&services](const InstanceEntry& at) {
    return services.leaving.contains(InstanceId{at.id});
  });
  return staying;
}

std::vector<InstanceId> last_instances(std::vector<InstanceEntry> by_slot, std::size_t count) {
  std::sort(by_slot.begin(), by_slot.end(),
            [](const InstanceEntry& a, const InstanceEntry& b) { return a.slot > b.slot; });
  std::vector<InstanceId> ids;
  for (std::size_t i = 0; i < count; ++i)
    ids.push_back(InstanceId{by_slot[i].id});
  return ids;
}

void stop_and_forget(Services& services, std::vector<InstanceId> ids, std::optional<Change> change,
                     std::function<void(Result<StopReply>)> done) {
  const auto reply = std::make_shared<StopReply>(stop_all(services, ids));
  services.leaving.insert(ids.begin(), ids.end());
  services.waits.until_down(ids, [&services, reply, ids, change = std::move(change),
                                  done = std::move(done)](const Facts& facts) {
    for (const InstanceId id : ids)
      services.leaving.erase(id);
    fill_in(services, *reply, facts);
    for (InstanceId id : ids)
      if (const Instance* at = services.supervisor.find(id);
          at != nullptr && (at->machine.current || at->machine.desired == model::Desired::up))
        return done(Error{Errc::conflict,
                          "'" + at->spec->name + "' was started again by somebody else meanwhile",
                          "stopped, but not deleted: delete it once more"});
    if (change) record_change(services.supervisor, as_of_now(services.supervisor, *change));
    services.supervisor.remove(ids, [reply, done](const Status& saved) {
      if (!saved) return done(Error{saved.error()}.context("deleted, but not yet on disk"));
      done(std::move(*reply));
    });
  });
}

namespace {

// Apps that stay and depend on one that goes, all of it.
std::string who_misses(const Supervisor& supervisor, const std::vector<InstanceId>& ids) {
  std::map<model::AppId, std::size_t> counts;
  for (const InstanceId id : ids)
    ++counts[supervisor.find(id)->app];
  std::set<std::string> going;
  for (const auto& [app, count] : counts) {
    const AppEntry& entry = supervisor.book().apps().at(app).entry;
    if (entry.instances.size() == count) going.insert(entry.spec.name);
  }
  const model::DependencyGraph graph = graph_of(supervisor, Targets{});
  std::string note;
  for (const std::string& name : going)
    if (const std::string words = model::who_misses(graph, name, going); !words.empty())
      note += (note.empty() ? "" : "; ") + words;
  return note;
}

void handle_delete(Services& services, const ipc::TargetsRequest& request,
                   Responder<StopReply> to) {
  const auto ids = services.supervisor.select(request.targets);
  if (!ids) return to.fail(ids.error());
  auto change = begin_change(services.supervisor, {to.uid(), request.command},
                             removal_items(services.supervisor, *ids));
  stop_and_forget(services, *ids, std::move(change),
                  [note = who_misses(services.supervisor, *ids),
                   done = answer(std::move(to))](Result<StopReply> stopped) {
                    if (stopped) stopped->note = note;
                    done(std::move(stopped));
                  });
}

struct PendingKill {
  ipc::KillReply reply;
  Responder<ipc::KillReply> to;
};

void handle_kill(Services& services, Responder<ipc::KillReply> to) {
  const auto pending = std::make_shared<PendingKill>(PendingKill{{}, std::move(to)});
  std::vector<InstanceId> ids;
  for (const auto& [id, instance] : services.supervisor.instances()) {
    ids.push_back(id);
    if (instance.machine.current) ++pending->reply.stopped;
  }
  services.begin_end();
  services.dependencies.stop(ids, [&services](InstanceId id) { services.supervisor.suspend(id); });
  services.waits.until_down(ids, [&services, pending](const Facts& facts) {
    for (const auto& [id, fact] : facts)
      pending->reply.killed += static_cast<std::uint32_t>(fact.killed);
    services.supervisor.when_saved([&services, pending](const Status& saved) {
      if (saved)
        pending->to.reply(pending->reply);
      else
        pending->to.fail(
            Error{saved.error()}.context("all apps are stopped, but that is not on disk"));
      services.quit();
    });
  });
}

}  // namespace

void register_stop_handlers(Dispatcher& dispatcher, Services& services) {
  using Stop = Dispatcher::Handler<ipc::TargetsRequest, StopReply>;
  dispatcher.on(ipc::kStop,
                Stop([&services](const ipc::TargetsRequest& request, Responder<StopReply> to) {
                  handle_stop(services, request, std::move(to));
                }));
  dispatcher.on(ipc::kDelete,
                Stop([&services](const ipc::TargetsRequest& request, Responder<StopReply> to) {
                  handle_delete(services, request, std::move(to));
                }));
  dispatcher.on(ipc::kKill,
                Dispatcher::Handler<ipc::EmptyRequest, ipc::KillReply>(
                    [&services](const ipc::EmptyRequest&, Responder<ipc::KillReply> to) {
                      handle_kill(services, std::move(to));
                    }));
}

}  // namespace roost::daemon
