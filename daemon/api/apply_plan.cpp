#include "daemon/api/apply_plan.h"

#include <algorithm>
#include <set>

#include "core/model/spec_diff.h"

namespace roost::daemon {
namespace {

using ipc::PlanAction;

bool has_one_down(const Supervisor& supervisor, const AppEntry& entry) {
  return std::any_of(entry.instances.begin(), entry.instances.end(), [&](const InstanceEntry& at) {
    const Instance& instance = *supervisor.find(model::InstanceId{at.id});
    return instance.spec->job ? !model::is_wanted(instance.machine) : !instance.machine.current;
  });
}

ipc::PlanItem plan_one(const Supervisor& supervisor, const ipc::ApplyApp& app) {
  ipc::PlanItem item{.app = app.spec.name};
  const AppEntry* known = supervisor.book().find(app.spec.name);
  if (known == nullptr) {
    item.action = PlanAction::add;
    return item;
  }
  for (model::FieldChange& change : model::diff(known->spec, app.spec))
    item.changes.push_back(
        {std::move(change.field), std::move(change.before), std::move(change.after)});
  if (!item.changes.empty())
    item.action = PlanAction::change;
  else
    item.action =
        app.start && has_one_down(supervisor, *known) ? PlanAction::start : PlanAction::same;
  return item;
}

// Who misses what is removed.
void add_notes(const Supervisor& supervisor, const ipc::ApplyRequest& request,
               std::vector<ipc::PlanItem>& plan) {
  std::set<std::string> going;
  for (const ipc::PlanItem& item : plan)
    if (item.action == PlanAction::remove) going.insert(item.app);
  if (going.empty()) return;
  const model::DependencyGraph graph = graph_of(supervisor, request.apps);
  for (ipc::PlanItem& item : plan)
    if (item.action == PlanAction::remove) item.note = model::who_misses(graph, item.app, going);
}

}  // namespace

model::DependencyGraph graph_of(const Supervisor& supervisor,
                                const std::vector<ipc::ApplyApp>& asked) {
  model::DependencyGraph graph;
  const auto add = [&graph](const model::AppSpec& spec) {
    auto& wanted = graph[spec.name];
    wanted.clear();
    for (const auto& [name, wish] : spec.depends_on)
      wanted.insert(name);
  };
  for (const auto& [id, app] : supervisor.book().apps())
    add(app.entry.spec);
  for (const ipc::ApplyApp& app : asked)
    add(app.spec);
  return graph;
}

std::vector<ipc::PlanItem> make_plan(const Supervisor& supervisor,
                                     const ipc::ApplyRequest& request) {
  std::vector<ipc::PlanItem> plan;
  for (const ipc::ApplyApp& app : request.apps)
    plan.push_back(plan_one(supervisor, app));
  if (request.file.empty() || request.partial) return plan;
  for (const auto& [id, app] : supervisor.book().apps()) {
    const bool named = std::any_of(request.apps.begin(), request.apps.end(),
                                   [&name = app.entry.spec.name](const ipc::ApplyApp& other) {
                                     return other.spec.name == name;
                                   });
    if (app.entry.source == request.file && !named)
      plan.push_back({.app = app.entry.spec.name,
                      .action = request.prune ? PlanAction::remove : PlanAction::gone});
  }
  add_notes(supervisor, request, plan);
  return plan;
}

}  // namespace roost::daemon
