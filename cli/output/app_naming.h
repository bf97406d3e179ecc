// Names and words that list, description and outcomes have in common.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "cli/output/app_views.h"

namespace roost::cli {

// Which apps of a reply have more than one instance in it, or a numbered one.
class SeveralInstances {
 public:
  void add(const ipc::InstanceInfo& instance);
  [[nodiscard]] std::string name_of(const ipc::InstanceInfo& instance) const;

 private:
  std::set<std::string, std::less<>> seen_;
  std::set<std::string, std::less<>> several_;
};

// For a terminal app-controlled text is made harmless; elsewhere it stays as it is.
[[nodiscard]] std::string shown(std::string_view text, const Terminal& terminal);
// The daemon's reason, else how its last process ended; may be empty.
[[nodiscard]] std::string reason_of(const ipc::InstanceInfo& instance);
// "1 process", "3 processes"
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view one, std::string_view many);

}  // namespace roost::cli
