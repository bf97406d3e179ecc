// `app.start` and `app.restart`: what is asked, waited for, and told truthfully.
#include <algorithm>

#include "daemon/api/view.h"
#include "ipc/methods.h"

namespace roost::daemon {

namespace limits = model::limits;
using ipc::StartOutcome;
using ipc::StartReply;
using model::InstanceId;

namespace {

// One start or restart under way: answered when it is on disk, every instance is settled, and the
// last words of those that failed are read.
struct Pending {
  Services& services;
  Responder<StartReply> to;
  StartReply reply;
  int open = 1;
  std::optional<Error> failed{};

  void done_one() {
    if (--open > 0) return;
    if (failed) return to.fail(*failed);
    to.reply(reply);
  }
};

using PendingPtr = std::shared_ptr<Pending>;

StartOutcome* outcome_of(Pending& pending, InstanceId id) {
  for (StartOutcome& outcome : pending.reply.outcomes)
    if (outcome.instance.id == raw(id)) return &outcome;
  return nullptr;
}

void settle(const PendingPtr& pending, InstanceId id, const StartFact& fact) {
  StartOutcome* outcome = outcome_of(*pending, id);
  if (outcome == nullptr) return;
  if (const Instance* instance = pending->services.supervisor.find(id))
    outcome->instance = view_of(pending->services, *instance);
  outcome->ok = fact.ok;
  if (fact.ok) return;
  outcome->error = fact.error;
  ++pending->open;
  pending->services.pump.tail(fact.run, model::Stream::err, limits::kStderrTailLines,
                              limits::kStderrTailBytes, [pending, id](std::string text) {
                                if (StartOutcome* at = outcome_of(*pending, id))
                                  at->stderr_tail = std::move(text);
                                pending->done_one();
                              });
}

void wait_for(const PendingPtr& pending, const std::vector<InstanceId>& ids, bool wait) {
  if (!wait) {
    for (InstanceId id : ids)
      if (StartOutcome* outcome = outcome_of(*pending, id)) {
        outcome->instance = view_of(pending->services, *pending->services.supervisor.find(id));
        outcome->ok = true;
      }
    return;
  }
  ++pending->open;
  pending->services.waits.until_started(ids, [pending](std::map<InstanceId, StartFact> facts) {
    for (const auto& [id, fact] : facts)
      settle(pending, id, fact);
    pending->done_one();
  });
}

// Starts those that rest; the others are already running.
void start_existing(const PendingPtr& pending, const std::vector<InstanceId>& ids, bool wait) {
  Services& services = pending->services;
  std::vector<InstanceId> started;
  for (InstanceId id : ids) {
    const Instance& instance = *services.supervisor.find(id);
    const auto& current = instance.machine.current;
    const bool running = current && !current->asked && model::has_process(*current);
    StartOutcome outcome;
    outcome.instance = view_of(services, instance);
    outcome.already_running = running && current->phase == model::Phase::online;
    outcome.ok = outcome.already_running;
    pending->reply.outcomes.push_back(std::move(outcome));
    if (pending->reply.outcomes.back().already_running) continue;
    started.push_back(id);
  }
  for (InstanceId id : started)
    services.supervisor.start(id);
  wait_for(pending, started, wait);
}

Supervisor::Committed on_disk(const PendingPtr& pending) {
  ++pending->open;
  return [pending](Status saved) {
    if (!saved)
      pending->failed = std::move(saved).error().context("the app runs, but could not be saved");
    pending->done_one();
  };
}

bool same_program(const model::AppSpec& a, const model::AppSpec& b) {
  return a.kind == b.kind && a.script == b.script && a.args == b.args;
}

bool same_settings(model::AppSpec a, const model::AppSpec& b) {
  a.env = b.env;  // a shell's environment differs from one to the next
  a.instances = b.instances;
  return a == b;
}

// The name is taken: the same program is started (with the new settings if it does not run),
// another one is refused.
void start_known(const PendingPtr& pending, model::AppId app, const model::AppSpec& spec,
                 bool wait) {
  Services& services = pending->services;
  const AppEntry entry = services.supervisor.book().apps().at(app).entry;
  if (!same_program(entry.spec, spec)) {
    pending->failed = Error{
        Errc::exists,
        "an app named '" + spec.name + "' exists and runs something else: " + entry.spec.script,
        "choose another name with --name, or first: roost delete " + spec.name};
    return;
  }
  std::vector<InstanceId> ids;
  bool idle = true;
  for (const InstanceEntry& at : entry.instances) {
    ids.push_back(InstanceId{at.id});
    idle = idle && !services.supervisor.find(ids.back())->machine.current;
  }
  if (idle)
    services.supervisor.replace_spec(app, spec, on_disk(pending));
  else if (!same_settings(entry.spec, spec))
    pending->reply.note = "it runs with other settings; to apply the new ones: roost delete " +
                          spec.name + ", then start";
  start_existing(pending, ids, wait);
}

void start_new(const PendingPtr& pending, const model::AppSpec& spec, bool wait) {
  Supervisor& supervisor = pending->services.supervisor;
  for (const auto& [id, app] : supervisor.book().apps())
    if (app.entry.spec.name == spec.name) return start_known(pending, id, spec, wait);
  const auto ids = supervisor.add_app(spec, on_disk(pending));
  if (!ids) {
    pending->failed = ids.error();
    pending->open -= 1;  // nothing was submitted
    return;
  }
  start_existing(pending, *ids, wait);
}

const Error kEnding{Errc::conflict, "everything is being stopped", "start it when roost has ended"};

void handle_start(Services& services, const ipc::StartRequest& request, Responder<StartReply> to) {
  if (services.ending) return to.fail(kEnding);
  const auto pending = std::make_shared<Pending>(Pending{services, std::move(to), {}});
  const auto existing = request.targets.empty()
                            ? Result<std::vector<InstanceId>>(std::vector<InstanceId>{})
                            : services.supervisor.select(request.targets);
  if (existing && !existing->empty()) {
    start_existing(pending, *existing, request.wait);
    services.supervisor.when_saved(on_disk(pending));
  } else if (request.app) {
    start_new(pending, *request.app, request.wait);
  } else if (!existing) {
    pending->failed = existing.error();
  }
  pending->done_one();
}

void handle_restart(Services& services, const ipc::RestartRequest& request,
                    Responder<StartReply> to) {
  if (services.ending) return to.fail(kEnding);
  const auto ids = services.supervisor.select(request.targets);
  if (!ids) return to.fail(ids.error());
  const auto pending = std::make_shared<Pending>(Pending{services, std::move(to), {}});
  for (InstanceId id : *ids) {
    StartOutcome outcome;
    outcome.instance = view_of(services, *services.supervisor.find(id));
    pending->reply.outcomes.push_back(std::move(outcome));
  }
  for (InstanceId id : *ids)
    services.supervisor.restart(id);
  wait_for(pending, *ids, request.wait);
  services.supervisor.when_saved(on_disk(pending));
  pending->done_one();
}

}  // namespace

void register_start_handlers(Dispatcher& dispatcher, Services& services) {
  dispatcher.on(ipc::kStart,
                Dispatcher::Handler<ipc::StartRequest, StartReply>(
                    [&services](const ipc::StartRequest& request, Responder<StartReply> to) {
                      handle_start(services, request, std::move(to));
                    }));
  dispatcher.on(ipc::kRestart,
                Dispatcher::Handler<ipc::RestartRequest, StartReply>(
                    [&services](const ipc::RestartRequest& request, Responder<StartReply> to) {
                      handle_restart(services, request, std::move(to));
                    }));
}

}  // namespace roost::daemon
