#include "cli/args.h"
#include "cli/commands.h"
#include "cli/commands/stop_report.h"
#include "cli/file_targets.h"
#include "cli/interrupt.h"
#include "cli/session.h"

namespace roost::cli {

ExitCode run_delete(Invocation& invocation, const Command& self, Args args) {
  ipc::TargetsRequest request;
  ArgParser parser(invocation, self);
  parser.targets("a target", request.targets, {.least = 1});
  if (const auto done = parser.parse(args)) return *done;
  auto targets = expand_targets(invocation, request.targets);
  if (!targets) return invocation.fail(targets.error());
  request.targets = std::move(*targets);
  request.command = invocation.command_line();
  on_interrupt(
      "\nroost: interrupted; the apps are still being stopped and deleted, see `roost list`\n",
      invocation.options);
  const auto reply = call(ipc::kDelete, request);
  if (!reply) return invocation.fail(reply.error());
  return report_stop(invocation, *reply, "deleted");
}

}  // namespace roost::cli
