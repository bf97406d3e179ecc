// The way to the targets: settings first, all of them at once; then what is too much goes, and what
// shall be up is started or restarted.
#include <algorithm>
#include <map>

#include "core/base/kill_point.h"
#include "daemon/api/stop_work.h"
#include "daemon/api/target.h"
#include "daemon/api/view.h"

namespace roost::daemon {
namespace {

using ipc::PlanAction;
using model::InstanceId;

// What others depend on is started first, so that they find it under way.
std::vector<const Target*> in_order(const Targets& targets) {
  std::vector<const Target*> left;
  for (const Target& target : targets.apps)
    left.push_back(&target);
  std::vector<const Target*> ordered;
  while (!left.empty()) {
    const auto waits = [&left](const Target* target) {
      return std::any_of(left.begin(), left.end(), [target](const Target* other) {
        return target->wish.spec.depends_on.contains(other->wish.spec.name);
      });
    };
    const auto free = std::stable_partition(left.begin(), left.end(), waits);
    if (free == left.end()) break;  // a circle: refused before
    ordered.insert(ordered.end(), free, left.end());
    left.erase(free, left.end());
  }
  return ordered;
}

// The instances of an app by what becomes of them.
struct Sorted {
  std::vector<InstanceId> restart;  // have a run with the settings of before
  std::vector<InstanceId> start;
  std::vector<InstanceId> stop;
  std::vector<InstanceId> leave;
  std::vector<InstanceId> forget;  // too many
};

Sorted sort(const StartWork& work, const Target& target, bool changed) {
  const Supervisor& supervisor = work.services.supervisor;
  Sorted sorted;
  for (const InstanceEntry& at : supervisor.book().find(target.wish.spec.name)->instances) {
    const InstanceId id{at.id};
    const Instance& instance = *supervisor.find(id);
    const bool up = target.up.contains(at.slot);
    const bool is_done = has_done_its_work(instance) && !was_carried_out(work, instance);
    if (!target.wish.slots.contains(at.slot))
      sorted.forget.push_back(id);
    else if (up && changed && instance.machine.current)
      sorted.restart.push_back(id);
    else if (up && !changed && (is_done || (!target.at_once && should_be_up(instance))))
      sorted.leave.push_back(id);
    else if (up)
      sorted.start.push_back(id);
    else if (instance.machine.current || should_be_up(instance))
      sorted.stop.push_back(id);
    else
      sorted.leave.push_back(id);
  }
  return sorted;
}

std::set<std::string> new_apps(const std::vector<ipc::PlanItem>& plan) {
  std::set<std::string> names;
  for (const ipc::PlanItem& item : plan)
    if (item.action == PlanAction::add) names.insert(item.app);
  return names;
}

void mark_changed(StartWork& work, const std::vector<InstanceId>& ids) {
  for (ipc::StartOutcome& outcome : work.reply.outcomes)
    if (std::find(ids.begin(), ids.end(), InstanceId{outcome.instance.id}) != ids.end())
      outcome.changed = true;
}

void restart(const StartWorkPtr& work, const std::vector<InstanceId>& ids, bool wait) {
  Services& services = work->services;
  report_as_they_are(*work, ids, ipc::RestsAs::ended);
  services.dependencies.keep(ids);
  for (InstanceId id : ids)
    services.supervisor.restart(id);
  for (ipc::StartOutcome& outcome : work->reply.outcomes)
    if (std::find(ids.begin(), ids.end(), InstanceId{outcome.instance.id}) != ids.end())
      outcome.ok = false;  // until it is settled
  wait_for(work, ids, wait);
}

void stop(const StartWorkPtr& work, const std::vector<InstanceId>& ids) {
  if (ids.empty()) return;
  Services& services = work->services;
  services.dependencies.stop(ids, [&services](InstanceId id) { services.supervisor.stop(id); });
  ++work->open;
  services.waits.until_down(ids, [work, ids](const auto&) {
    report_as_they_are(*work, ids, ipc::RestsAs::stopped);
    work->done_one();
  });
}

void forget(const StartWorkPtr& work, const std::vector<InstanceId>& ids) {
  if (ids.empty()) return;
  ++work->open;
  stop_and_forget(work->services, ids, std::nullopt, [work](Result<ipc::StopReply> stopped) {
    if (stopped)
      std::move(stopped->outcomes.begin(), stopped->outcomes.end(),
                std::back_inserter(work->reply.removed));
    else
      work->failed = std::move(stopped).error();
    work->done_one();
  });
}

void forget_apps(const StartWorkPtr& work, const std::vector<std::string>& names) {
  std::vector<InstanceId> ids;
  for (const std::string& name : names) {
    const auto more = work->services.supervisor.book().find(name)->instance_ids();
    ids.insert(ids.end(), more.begin(), more.end());
  }
  forget(work, ids);
}

// Those whose runs do not fit their settings any more.
std::set<std::string> configure(const StartWorkPtr& work, const Targets& targets,
                                const std::optional<Change>& change) {
  Supervisor& supervisor = work->services.supervisor;
  std::set<std::string> changed;
  const Supervisor::Edit edit(supervisor, on_disk(work));
  record_change(supervisor, change);
  for (const Target& target : targets.apps)
    if (supervisor.configure(target.wish)) changed.insert(target.wish.spec.name);
  return changed;
}

}  // namespace

void carry_out(const StartWorkPtr& work, const Targets& targets, std::optional<Change> change,
               bool wait) {
  const std::set<std::string> added = new_apps(work->reply.plan);
  const std::set<std::string> changed = configure(work, targets, change);
  kill_point("apply.after_specs");
  forget_apps(work, targets.gone);
  for (const Target* target : in_order(targets)) {
    const bool differs = changed.contains(target->wish.spec.name);
    const bool is_new = added.contains(target->wish.spec.name);
    const Sorted sorted = sort(*work, *target, differs);
    forget(work, sorted.forget);
    restart(work, sorted.restart, wait);
    start_existing(work, sorted.start, wait);
    stop(work, sorted.stop);
    report_as_they_are(*work, sorted.leave, is_new ? ipc::RestsAs::added : ipc::RestsAs::left);
    if (!differs) continue;
    for (const auto* ids : {&sorted.restart, &sorted.start, &sorted.leave})
      mark_changed(*work, *ids);
  }
  work->services.supervisor.when_saved(on_disk(work));
}

}  // namespace roost::daemon
