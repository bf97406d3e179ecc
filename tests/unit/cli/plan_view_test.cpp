#include "cli/output/plan_view.h"

#include <doctest/doctest.h>

namespace roost::cli {

TEST_CASE("plan view: one line per app, changes in words") {
  using ipc::PlanAction;
  const std::vector<ipc::PlanItem> plan{
      {.app = "new", .action = PlanAction::add},
      {.app = "api",
       .action = PlanAction::change,
       .changes = {{"env", "", "+LOG -OLD"}, {"kill_timeout", "10s", "5s"}}},
      {.app = "db", .action = PlanAction::start},
      {.app = "web", .action = PlanAction::same},
      {.app = "kept", .action = PlanAction::gone},
      {.app = "old", .action = PlanAction::remove},
      {.app = "up", .action = PlanAction::stop}};
  CHECK(plan_lines(plan, Terminal{}) ==
        std::vector<std::string>{
            "+ new", "~ api (env +LOG -OLD, kill_timeout 10s→5s)", "^ db (is down)", "= web",
            "! kept (came from this file and is gone from it; --prune deletes it)", "- old",
            "v up (is up)"});
}

}  // namespace roost::cli
