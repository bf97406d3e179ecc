#include "daemon/api/target.h"

#include <algorithm>
#include <map>

#include "core/model/spec_diff.h"

namespace roost::daemon {
namespace {

using ipc::PlanAction;
using model::InstanceId;

std::set<std::uint32_t> slots_of(const AppEntry& entry) {
  std::set<std::uint32_t> slots;
  for (const InstanceEntry& at : entry.instances)
    slots.insert(at.slot);
  return slots;
}

// So many: those that are there, then the lowest free ones; the highest go.
std::set<std::uint32_t> wanted_slots(const AppEntry* known, std::uint32_t count) {
  std::set<std::uint32_t> slots;
  if (known != nullptr) slots = slots_of(*known);
  while (slots.size() > count)
    slots.erase(std::prev(slots.end()));
  for (std::uint32_t slot = 0; slots.size() < count; ++slot)
    slots.insert(slot);
  return slots;
}

bool is_wanted_up(const Supervisor& supervisor, const InstanceEntry& at) {
  return should_be_up(*supervisor.find(InstanceId{at.id}));
}

// An app that is known stays as it is where it is not to be started: its instances up or down, new
// ones up where others are.
std::set<std::uint32_t> slots_as_they_are(const Supervisor& supervisor, const AppEntry* known,
                                          const std::set<std::uint32_t>& slots) {
  std::set<std::uint32_t> up;
  if (known == nullptr) return up;
  bool any = false;
  for (const InstanceEntry& at : known->instances) {
    if (!is_wanted_up(supervisor, at)) continue;
    any = true;
    if (slots.contains(at.slot)) up.insert(at.slot);
  }
  const std::set<std::uint32_t> have = slots_of(*known);
  for (const std::uint32_t slot : slots)
    if (any && !have.contains(slot)) up.insert(slot);
  return up;
}

std::string in_words(const std::set<std::uint32_t>& slots) {
  std::string words;
  for (const std::uint32_t slot : slots)
    words += (words.empty() ? "#" : " #") + std::to_string(slot);
  return words;
}

// What has to be done with the instances that stay, whatever of their settings differs.
PlanAction action_of_same(const Supervisor& supervisor, const AppEntry& known,
                          const Target& target) {
  PlanAction action = PlanAction::same;
  for (const InstanceEntry& at : known.instances) {
    if (!target.wish.slots.contains(at.slot)) continue;
    const Instance& instance = *supervisor.find(InstanceId{at.id});
    const bool runs = instance.machine.current.has_value();
    const bool wanted = should_be_up(instance);
    const bool right = runs || has_done_its_work(instance) ||
                       (wanted && (!target.at_once || instance.spec->job));
    if (target.up.contains(at.slot) && !right) return PlanAction::start;
    if (!target.up.contains(at.slot) && (runs || wanted)) action = PlanAction::stop;
  }
  return action;
}

// The variables of the shell are renewed with the next change, and are none.
model::AppSpec wished_spec(const model::AppSpec& known, const model::AppSpec& asked) {
  model::AppSpec as_before = model::in_shell_of(known, asked);
  as_before.instances = known.instances;  // of this no run knows
  const bool changes = !model::diff(known, as_before).empty();
  as_before.instances = asked.instances;
  return changes ? asked : as_before;
}

ipc::PlanItem plan_one(const Supervisor& supervisor, const Target& target) {
  ipc::PlanItem item{.app = target.wish.spec.name};
  const AppEntry* known = supervisor.book().find(item.app);
  if (known == nullptr) {
    item.action = PlanAction::add;
    return item;
  }
  for (model::FieldChange& change :
       model::diff(known->spec, model::in_shell_of(known->spec, target.wish.spec)))
    item.changes.push_back(
        {std::move(change.field), std::move(change.before), std::move(change.after)});
  const std::set<std::uint32_t> have = slots_of(*known);
  if (have != target.wish.slots && have.size() == target.wish.slots.size())
    item.changes.push_back({"instances", in_words(have), in_words(target.wish.slots)});
  item.action = action_of_same(supervisor, *known, target);
  if (item.changes.empty()) return item;
  if (item.action == PlanAction::start) item.note = "is down, and is started";
  if (item.action == PlanAction::stop) item.note = "is up, and is stopped";
  item.action = PlanAction::change;
  return item;
}

}  // namespace

model::DependencyGraph graph_of(const Supervisor& supervisor, const Targets& targets) {
  model::DependencyGraph graph;
  const auto add = [&graph](const model::AppSpec& spec) {
    auto& wanted = graph[spec.name];
    wanted.clear();
    for (const auto& [name, wish] : spec.depends_on)
      wanted.insert(name);
  };
  for (const auto& [id, app] : supervisor.book().apps())
    add(app.entry.spec);
  for (const Target& target : targets.apps)
    add(target.wish.spec);
  return graph;
}

Targets targets_of(const Supervisor& supervisor, const ipc::ApplyRequest& request) {
  Targets targets;
  std::set<std::string_view> named;
  for (const ipc::ApplyApp& app : request.apps) {
    named.insert(app.spec.name);
    const AppEntry* known = supervisor.book().find(app.spec.name);
    Target target;
    target.wish.spec = known != nullptr ? wished_spec(known->spec, app.spec) : app.spec;
    target.wish.slots = wanted_slots(known, app.spec.instances);
    // An app belongs to the file that was applied last.
    target.wish.source = request.file;
    target.wish.stamp = request.stamp;
    if (request.file.empty() && known != nullptr) {
      target.wish.source = known->source;
      target.wish.stamp = known->stamp;
    }
    target.up =
        app.start ? target.wish.slots : slots_as_they_are(supervisor, known, target.wish.slots);
    targets.apps.push_back(std::move(target));
  }
  if (request.file.empty() || request.partial) return targets;
  auto& rest = request.prune ? targets.gone : targets.left;
  for (const auto& [id, app] : supervisor.book().apps())
    if (app.entry.source == request.file && !named.contains(app.entry.spec.name))
      rest.push_back(app.entry.spec.name);
  return targets;
}

std::vector<ipc::PlanItem> make_plan(const Supervisor& supervisor, const Targets& targets) {
  std::vector<ipc::PlanItem> plan;
  for (const Target& target : targets.apps)
    plan.push_back(plan_one(supervisor, target));
  const std::set<std::string> going(targets.gone.begin(), targets.gone.end());
  const model::DependencyGraph graph = graph_of(supervisor, targets);
  for (const std::string& name : targets.gone) {
    ipc::PlanItem& item = plan.emplace_back(ipc::PlanItem{.app = name});
    item.action = PlanAction::remove;
    item.note = model::who_misses(graph, name, going);
  }
  for (const std::string& name : targets.left)
    plan.push_back({.app = name, .action = PlanAction::gone});
  return plan;
}

Status check_targets(const Supervisor& supervisor, const Targets& targets, Missing missing) {
  std::set<std::string> names;
  std::size_t more = 0;
  std::size_t further = 0;
  for (const Target& target : targets.apps) {
    const model::AppSpec& spec = target.wish.spec;
    if (Status valid = model::validate(spec); !valid)
      return std::move(valid).error().context("app '" + spec.name + "'");
    if (!names.insert(spec.name).second)
      return Error{Errc::invalid, "two apps are called '" + spec.name + "'", {}};
    const AppEntry* known = supervisor.book().find(spec.name);
    const std::size_t have = known != nullptr ? known->instances.size() : 0;
    more += spec.instances - std::min<std::size_t>(spec.instances, have);
    const std::size_t had = known != nullptr ? model::further_descriptors(known->spec) * have : 0;
    const std::size_t wants = model::further_descriptors(spec) * spec.instances;
    further += wants - std::min(wants, had);
  }
  if (missing == Missing::allowed) names.clear();
  if (Status possible = model::check_dependencies(graph_of(supervisor, targets), names); !possible)
    return possible;
  return supervisor.check_room(more, further);
}

}  // namespace roost::daemon
