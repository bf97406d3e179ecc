#include "cli/output/app_naming.h"

#include "cli/output/sanitize.h"

namespace roost::cli {

std::string instance_name(const ipc::InstanceInfo& instance, Siblings siblings) {
  if (siblings == Siblings::none && instance.slot == 0) return instance.name;
  return instance.name + "#" + std::to_string(instance.slot);
}

void SeveralInstances::add(const ipc::InstanceInfo& instance) {
  if (!seen_.insert(instance.name).second || instance.slot > 0) several_.insert(instance.name);
}

std::string SeveralInstances::name_of(const ipc::InstanceInfo& instance) const {
  return instance_name(instance,
                       several_.contains(instance.name) ? Siblings::some : Siblings::none);
}

std::string shown(std::string_view text, const Terminal& terminal) {
  return terminal.tty ? sanitize(text) : std::string(text);
}

std::string reason_of(const ipc::InstanceInfo& instance) {
  if (!instance.reason.empty() || !instance.last_exit) return instance.reason;
  const bool ended =
      instance.state == model::State::stopped || instance.state == model::State::errored;
  return ended ? model::describe(*instance.last_exit) : std::string();
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

}  // namespace roost::cli
