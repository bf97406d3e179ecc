// What requests that take instances away (delete, scale) share. Loop thread.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "daemon/api/change.h"
#include "daemon/api/services.h"
#include "ipc/messages/app_messages.h"

namespace roost::daemon {

// Stops the instances, forgets them when their trees are gone, and answers when that is on disk.
// `change` goes into the history with that.
void stop_and_forget(Services& services, std::vector<model::InstanceId> ids,
                     std::optional<Change> change,
                     std::function<void(Result<ipc::StopReply>)> done);

// Without those that stop_and_forget() is about to forget.
[[nodiscard]] std::vector<InstanceEntry> staying_instances(const Services& services,
                                                           const AppEntry& entry);

// So many of the highest slots.
[[nodiscard]] std::vector<model::InstanceId> last_instances(std::vector<InstanceEntry> by_slot,
                                                            std::size_t count);

}  // namespace roost::daemon
