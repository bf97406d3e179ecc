// What an instance depends on, and whether it is there.
#include <algorithm>

#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

using model::DependencyCondition;
using model::Input;
using model::InstanceId;
using model::State;

namespace {

std::string_view word(State state) {
  for (const auto& [value, name] : EnumNames<State>::values)
    if (value == state) return name;
  return {};
}

bool is_met(DependencyCondition wish, const Instance& instance, const Run* run) {
  const State state = model::state_of(instance.machine);
  switch (wish) {
    case DependencyCondition::started:
      return state == State::online ||
             (state == State::launching && run != nullptr && run->spawned);
    case DependencyCondition::ready:
      return state == State::online;
    case DependencyCondition::completed:
      break;
  }
  return state == State::stopped && instance.last_exit && model::is_success(*instance.last_exit);
}

// A crash loop may end well; until then nobody should wait for it.
bool has_failed(const Instance& instance) {
  const bool job_will_run = instance.spec->job && model::is_wanted(instance.machine) &&
                            instance.machine.rest == model::Rest::stopped;
  if (job_will_run) return false;
  const State state = model::state_of(instance.machine);
  return state == State::errored || state == State::stopped ||
         (state == State::waiting && !is_held(instance));
}

}  // namespace

bool Supervisor::meets(DependencyCondition wish, const Instance& instance) const {
  return is_met(wish, instance, current_run(instance));
}

Supervisor::Unmet Supervisor::unmet_app(const std::string& name, DependencyCondition wish) const {
  const std::string begin = "waiting for " + name + ": ";
  const AppEntry* entry = book_.find(name);
  if (entry == nullptr) return {.words = begin + "there is no such app", .failed = true};
  for (const InstanceId id : entry->instance_ids()) {
    const Instance& instance = *find(id);
    if (meets(wish, instance)) continue;
    const State state = model::state_of(instance.machine);
    const bool ended = wish == DependencyCondition::completed && state == State::stopped;
    const std::string how = ended && instance.last_exit ? model::describe(*instance.last_exit)
                                                        : std::string(word(state));
    return {.words = begin + how, .failed = has_failed(instance)};
  }
  return {};
}

Supervisor::Unmet Supervisor::unmet_dependency(const Instance& instance) const {
  for (const auto& [name, wish] : instance.spec->depends_on)
    if (Unmet unmet = unmet_app(name, wish); !unmet.words.empty()) return unmet;
  const auto& targets = instance.spec->wait_for;
  if (instance.found >= targets.size()) return {};
  return {.words = "waiting for " + targets[instance.found], .outside = true};
}

bool Supervisor::is_somebody_held() {
  somebody_held_ =
      somebody_held_ && std::any_of(instances_.begin(), instances_.end(),
                                    [](const auto& entry) { return is_held(entry.second); });
  return somebody_held_;
}

void Supervisor::release(InstanceId id) {
  if (Instance* instance = find_mutable(id)) feed(*instance, {.kind = Input::Kind::released});
}

void Supervisor::explain_hold(InstanceId id, const std::string& words) {
  if (Instance* instance = find_mutable(id); instance != nullptr && is_held(*instance))
    instance->machine.reason = words;
}

void Supervisor::note_found(InstanceId id) {
  if (Instance* instance = find_mutable(id)) ++instance->found;
}

}  // namespace roost::daemon
