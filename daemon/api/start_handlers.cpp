// `app.start`, `app.start_all` and `app.restart`: what is asked, waited for, and told truthfully.
#include <algorithm>

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
  bool start = true;
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

// Those that nobody has asked for are started for others.
void mark_needed(StartWork& work, const std::vector<InstanceId>& asked) {
  for (StartOutcome& outcome : work.reply.outcomes) {
    if (std::find(asked.begin(), asked.end(), InstanceId{outcome.instance.id}) != asked.end())
      continue;
    for (const StartOutcome& other : work.reply.outcomes)
      if (work.services.supervisor.find(InstanceId{other.instance.id})
              ->spec->depends_on.contains(outcome.instance.name))
        outcome.needed_by = other.instance.name;
  }
}

void start_with_dependencies(const StartWorkPtr& work, const std::vector<InstanceId>& ids,
                             bool wait) {
  const std::vector<InstanceId> all = work->services.dependencies.with_dependencies(ids);
  start_existing(work, all, wait);
  if (all.size() > ids.size()) mark_needed(*work, ids);
}

void begin(const StartWorkPtr& work, const std::vector<InstanceId>& ids, const NewApp& app) {
  if (app.start) return start_with_dependencies(work, ids, app.wait);
  report_as_they_are(*work, ids, ipc::RestsAs::left);
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
  begin(work, ids, app);
}

void start_new(const StartWorkPtr& work, const NewApp& app) {
  Supervisor& supervisor = work->services.supervisor;
  Targets targets;
  targets.apps.emplace_back().wish.spec = app.spec;
  if (Status possible = model::check_dependencies(graph_of(supervisor, targets), {app.spec.name});
      !possible) {
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
  const std::vector<InstanceId> ids = submitted(work, add);
  if (app.start) return start_with_dependencies(work, ids, app.wait);
  report_as_they_are(*work, ids, ipc::RestsAs::added);
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
  work->first_sent = asker.first_sent;
  const auto existing = request.targets.empty()
                            ? Result<std::vector<InstanceId>>(std::vector<InstanceId>{})
                            : services.supervisor.select(request.targets);
  if (existing && !existing->empty() && request.autostart) {
    find_named_jobs(*work, request.targets, *existing);
    start_with_dependencies(work, *existing, request.wait);
    services.supervisor.when_saved(on_disk(work));
  } else if (existing && !existing->empty()) {
    report_as_they_are(*work, *existing, ipc::RestsAs::left);
  } else if (request.app) {
    start_new(work, {*request.app, request.wait, request.autostart, asker});
  } else if (!existing) {
    work->failed = existing.error();
  }
  work->done_one();
}

void check_and_start(Services& services, const ipc::StartRequest& request, const Asker& asker,
                     Done done) {
  std::vector<const model::AppSpec*> specs;
  if (request.app) specs.push_back(&*request.app);
  services.supervisor.check_identities(
      specs, [&services, request, asker, done = std::move(done)](Status possible) {
        if (!possible) return done(std::move(possible).error());
        start(services, request, asker, done);
      });
}

void handle_start(Services& services, const ipc::StartRequest& request, Responder<StartReply> to) {
  const Asker asker{to.uid(), request.command, {}, to.first_sent()};
  check_and_start(services, request, asker, answer(std::move(to)));
}

// Several starts under way: answered when each of them is.
struct StartingAll {
  std::function<void(Result<StartReply>)> done;
  std::vector<Result<StartReply>> replies{};
  std::size_t open = 0;

  void settle(std::size_t item, Result<StartReply> reply) {
    replies[item] = std::move(reply);
    if (--open == 0) done(merge());
  }

 private:
  // One that two items name is told once: of a job, its run rather than its schedule; and what was
  // asked for is not told as somebody's need.
  static void add(StartReply& all, StartOutcome outcome) {
    const auto known = std::find_if(
        all.outcomes.begin(), all.outcomes.end(),
        [&](const StartOutcome& one) { return one.instance.id == outcome.instance.id; });
    if (known == all.outcomes.end())
      all.outcomes.push_back(std::move(outcome));
    else if ((known->ok && !outcome.ok) || (known->scheduled && !outcome.scheduled))
      *known = std::move(outcome);
    else if (outcome.needed_by.empty())
      known->needed_by.clear();
  }

  StartReply merge() {
    StartReply all;
    for (std::size_t i = 0; i < replies.size(); ++i) {
      if (!replies[i]) {
        const Error& error = replies[i].error();
        all.refused.push_back({static_cast<std::uint32_t>(i), std::string(to_string(error.code)),
                               error.message, error.hint});
        continue;
      }
      for (StartOutcome& outcome : replies[i]->outcomes)
        add(all, std::move(outcome));
      const std::string& note = replies[i]->note;
      if (!note.empty()) all.note += (all.note.empty() ? "" : "\n") + note;
    }
    return all;
  }
};

void handle_start_all(Services& services, const ipc::StartAllRequest& request,
                      Responder<StartReply> to) {
  if (request.items.empty()) return to.reply({});
  if (request.items.size() > model::limits::kMaxStartItems)
    return to.fail({Errc::invalid,
                    "more than " + std::to_string(model::limits::kMaxStartItems) +
                        " things to start in one request",
                    "send several"});
  const Asker whoever{to.uid(), {}, {}, to.first_sent()};
  const auto all = std::make_shared<StartingAll>(StartingAll{answer(std::move(to))});
  all->replies.assign(request.items.size(), StartReply{});
  all->open = request.items.size();
  for (std::size_t i = 0; i < request.items.size(); ++i) {
    Asker asker = whoever;
    asker.command = request.items[i].command;
    check_and_start(services, request.items[i], asker,
                    [all, i](Result<StartReply> reply) { all->settle(i, std::move(reply)); });
  }
}

void handle_restart(Services& services, const ipc::RestartRequest& request,
                    Responder<StartReply> to) {
  if (services.ending) return to.fail(everything_ends());
  const auto ids = services.supervisor.select(request.targets);
  if (!ids) return to.fail(ids.error());
  const StartWorkPtr work = begin_start(services, answer(std::move(to)));
  if (request.jobs) find_named_jobs(*work, request.targets, *ids);
  std::vector<InstanceId> needed = services.dependencies.with_dependencies(*ids);
  std::erase_if(needed, [&ids](InstanceId id) {
    return std::find(ids->begin(), ids->end(), id) != ids->end();
  });
  start_existing(work, needed, request.wait);
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
  mark_needed(*work, *ids);
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
  dispatcher.on(ipc::kStartAll,
                Dispatcher::Handler<ipc::StartAllRequest, StartReply>(
                    [&services](const ipc::StartAllRequest& request, Responder<StartReply> to) {
                      handle_start_all(services, request, std::move(to));
                    }));
  dispatcher.on(ipc::kRestart,
                Dispatcher::Handler<ipc::RestartRequest, StartReply>(
                    [&services](const ipc::RestartRequest& request, Responder<StartReply> to) {
                      handle_restart(services, request, std::move(to));
                    }));
}

}  // namespace roost::daemon
