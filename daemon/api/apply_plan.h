// What an `app.apply` would do, decided before anything is done.
#pragma once

#include "core/model/dependency_graph.h"
#include "daemon/supervisor/supervisor.h"
#include "ipc/messages/app_messages.h"

namespace roost::daemon {

// In the order of the request; then the apps that came from the same file before and are gone from
// it.
[[nodiscard]] std::vector<ipc::PlanItem> make_plan(const Supervisor& supervisor,
                                                   const ipc::ApplyRequest& request);

// What depends on what, of the apps there are and those that are asked for.
[[nodiscard]] model::DependencyGraph graph_of(const Supervisor& supervisor,
                                              const std::vector<ipc::ApplyApp>& asked);

}  // namespace roost::daemon
