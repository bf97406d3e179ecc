// `app.start` and `app.restart`: what is asked, waited for, and told truthfully.
#include "core/model/selector.h"
#include "core/model/spec_diff.h"
#include "daemon/api/start_work.h"
#include "daemon/api/target.h"
#include "daemon/api/view.h"
#include "ipc/methods.h"

namespace roost::daemon {

using ipc::StartOutcome;
using ipc::StartReply;
using model::InstanceId;

namespace {

bool same_program(const model::AppSpec& a, const model::AppSpec& b) {
  return a.kind == b.kind && a.script == b.script;
}

bool same_settings(model::AppSpec a, const model::AppSpec& b) {
  a.env = b.env;  // a shell's environment differs from one to the next
  a.instances = b.instances;
  return a == b;
}

struct NewApp {
  const model::AppSpec& spec;
  bool wait = true;
  Asker asker;
};

std::optional<Change> change_of(const Supervisor& supervisor, const NewApp& app) {
  ipc::PlanItem item{.app = app.spec.name, .action = ipc::PlanAction::add};
  if (const AppEntry* known = supervisor.book().find(app.spec.name)) {
    item.action = ipc::PlanAction::change;
    model::AppSpec spec = app.spec;
    spec.instances = known->spec.instances;  // they stay
    for (model::FieldChange& one : model::diff(known->spec, spec))
      item.changes.push_back({std::move(one.field), std::move(one.before), std::move(one.after)});
    if (item.changes.empty()) return std::nullopt;
  }
  return begin_change(supervisor, app.asker, {item});
}

// The name is taken: the same program is started (with the new settings if it does not run),
// another one is refused.
void start_known(const StartWorkPtr& work, const AppEntry& entry, const NewApp& app) {
  const model::AppSpec& spec = app.spec;
  Services& services = work->services;
  const bool up = services.supervisor.is_up(entry);
  const bool same = same_program(entry.spec, spec);
  if (!same || (up && entry.spec.args != spec.args)) {
    const std::string what =
        same ? "runs with other arguments" : "exists and runs something else: " + entry.spec.script;
    work->failed = Error{Errc::exists, "an app named '" + spec.name + "' " + what,
                         "choose another name with --name, or first: roost delete " + spec.name};
    return;
  }
  const std::vector<InstanceId> ids = entry.instance_ids();
  const bool differs = !same_settings(entry.spec, spec);
  if (!up) {
    if (differs) work->reply.note = "'" + spec.name + "' has the settings of this command now";
    if (auto change = change_of(services.supervisor, app)) {
      record_change(services.supervisor, change);
      services.supervisor.replace_spec(model::AppId{entry.id}, spec, on_disk(work));
    }
  } else if (differs) {
    work->reply.note = "it runs with other settings; to apply the new ones: roost delete " +
                       spec.name + ", then start";
  }
  start_existing(work, ids, app.wait);
}

void start_new(const StartWorkPtr& work, const NewApp& app) {
  Supervisor& supervisor = work->services.supervisor;
  Targets targets;
  targets.apps.emplace_back().wish.spec = app.spec;
  if (Status possible = model::check_dependencies(graph_of(supervisor, targets)); !possible) {
    work->failed = std::move(possible).error();
    return;
  }
  if (const AppEntry* known = supervisor.book().find(app.spec.name))
    return start_known(work, *known, app);
  const auto add = [&](auto done) {
    auto change = change_of(supervisor, app);
    const Supervisor::Edit edit(supervisor, {});
    auto ids = supervisor.add_app(app.spec, done);
    if (ids) record_change(supervisor, change);
    return ids;
  };
  start_existing(work, submitted(work, add), app.wait);
}

// Jobs that are meant by name or id run at once; those that a pattern or `all` finds do not.
void find_named_jobs(StartWork& work, const std::vector<std::string>& targets,
                     const std::vector<InstanceId>& ids) {
  const auto selectors = model::parse_selectors(targets);
  if (!selectors) return;
  for (const InstanceId id : ids) {
    const Instance& instance = *work.services.supervisor.find(id);
    const model::TargetFacts facts{id, instance.spec->name, instance.spec->ns, instance.slot};
    for (const model::Selector& selector : *selectors)
      if (instance.spec->job && selector.is_exact() && model::matches(selector, facts))
        work.jobs.insert(id);
  }
}

using Done = std::function<void(Result<StartReply>)>;

void start(Services& services, const ipc::StartRequest& request, const Asker& asker, Done done) {
  if (services.ending) return done(everything_ends());
  const StartWorkPtr work = begin_start(services, std::move(done));
  const auto existing = request.targets.empty()
                            ? Result<std::vector<InstanceId>>(std::vector<InstanceId>{})
                            : services.supervisor.select(request.targets);
  if (existing && !existing->empty()) {
    find_named_jobs(*work, request.targets, *existing);
    start_existing(work, services.dependencies.with_dependencies(*existing), request.wait);
    services.supervisor.when_saved(on_disk(work));
  } else if (request.app) {
    start_new(work, {*request.app, request.wait, asker});
  } else if (!existing) {
    work->failed = existing.error();
  }
  work->done_one();
}

void handle_start(Services& services, const ipc::StartRequest& request, Responder<StartReply> to) {
  const Asker asker{to.uid(), request.command};
  std::vector<const model::AppSpec*> specs;
  if (request.app) specs.push_back(&*request.app);
  services.supervisor.check_identities(
      specs, [&services, request, asker, done = answer(std::move(to))](Status possible) {
        if (!possible) return done(std::move(possible).error());
        start(services, request, asker, done);
      });
}

void handle_restart(Services& services, const ipc::RestartRequest& request,
                    Responder<StartReply> to) {
  if (services.ending) return to.fail(everything_ends());
  const auto ids = services.supervisor.select(request.targets);
  if (!ids) return to.fail(ids.error());
  const StartWorkPtr work = begin_start(services, answer(std::move(to)));
  if (request.jobs) find_named_jobs(*work, request.targets, *ids);
  std::vector<InstanceId> restarted;
  for (InstanceId id : *ids) {
    const Instance& instance = *services.supervisor.find(id);
    if (is_only_enrolled(*work, instance) && !instance.machine.current) {
      enrol(work, id);
      continue;
    }
    StartOutcome outcome;
    outcome.instance = view_of(services, instance);
    work->reply.outcomes.push_back(std::move(outcome));
    restarted.push_back(id);
  }
  for (InstanceId id : restarted)
    services.supervisor.restart(id);
  wait_for(work, restarted, request.wait);
  services.supervisor.when_saved(on_disk(work));
  work->done_one();
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
