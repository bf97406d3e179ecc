// What apply does with each app, for people. Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/output/terminal.h"
#include "ipc/messages/app_messages.h"

namespace roost::cli {

// "+ worker", "~ api (env +LOG -OLD, kill_timeout 10s→5s)", "^ db (is down)", "v db (is up)", "=
// web", "- old", and
// "! old (…)" for what is gone from the file, but stays.
[[nodiscard]] std::vector<std::string> plan_lines(const std::vector<ipc::PlanItem>& plan,
                                                  const Terminal& terminal);

}  // namespace roost::cli
