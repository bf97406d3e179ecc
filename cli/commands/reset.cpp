#include "cli/args.h"
#include "cli/commands.h"
#include "cli/commands/instance_report.h"
#include "cli/session.h"

namespace roost::cli {

ExitCode run_reset(Invocation& invocation, const Command& self, Args args) {
  ipc::TargetsRequest request;
  ArgParser parser(invocation, self);
  parser.targets("a target", request.targets, {.least = 1});
  if (const auto done = parser.parse(args)) return *done;
  const auto reply = call(ipc::kReset, request);
  if (!reply) return invocation.fail(reply.error());
  return report_instances(invocation, *reply, "reset");
}

}  // namespace roost::cli
