// How instances look from outside: the list row, PM2's jlist, and what is hidden.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/api/services.h"
#include "ipc/messages/app_messages.h"

namespace roost::daemon {

// Processor and memory take a look at every process of the run, 50 us at least.
enum class Measured : std::uint8_t { yes, no };
[[nodiscard]] ipc::InstanceInfo view_of(Services& services, const Instance& instance,
                                        Measured usage = Measured::yes);

// Instances in the shape of PM2's `jlist`: one JSON array.
[[nodiscard]] std::string render_jlist(Services& services,
                                       const std::vector<model::InstanceId>& ids);

}  // namespace roost::daemon
