// What apps shall be, as `app.apply` and `app.undo` want it, the plan of how they get there, and
// the way there. Loop thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/model/dependency_graph.h"
#include "daemon/api/change.h"
#include "daemon/api/start_work.h"
#include "daemon/supervisor/supervisor.h"
#include "ipc/messages/app_messages.h"

namespace roost::daemon {

struct Target {
  AppWish wish;
  std::set<std::uint32_t> up;  // which of the wish's slots
  // Whether one that is wanted up already, and has no process, is started at once: one that waits
  // for its next try or for what it depends on. Else that goes on.
  bool at_once = true;
};

// What one request wants, as a whole.
struct Targets {
  std::vector<Target> apps;
  std::vector<std::string> gone;  // that shall not be there
  std::vector<std::string> left;  // that the file no longer has, and that stay
};

[[nodiscard]] Targets targets_of(const Supervisor& supervisor, const ipc::ApplyRequest& request);

// What depends on what, of the apps there are and those that are wanted.
[[nodiscard]] model::DependencyGraph graph_of(const Supervisor& supervisor, const Targets& targets);

// In the order of the apps; then those that are gone, and those that stay.
[[nodiscard]] std::vector<ipc::PlanItem> make_plan(const Supervisor& supervisor,
                                                   const Targets& targets);

// Whether an app may depend on one that is not there: so it can come to be, when that is deleted.
enum class Missing : std::uint8_t { refused, allowed };

// Looked at as a whole before anything is done.
[[nodiscard]] Status check_targets(const Supervisor& supervisor, const Targets& targets,
                                   Missing missing);

// Does what the plan in the work's reply says. All settings are stored at once, in this turn of the
// loop, and everything is begun in it: two of these never mix, and nobody waits for the end of
// another's. `change` is recorded with them.
void carry_out(const StartWorkPtr& work, const Targets& targets, std::optional<Change> change,
               bool wait);

}  // namespace roost::daemon
