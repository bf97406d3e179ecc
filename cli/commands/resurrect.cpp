#include "cli/args.h"
#include "cli/commands.h"
#include "cli/commands/start_report.h"
#include "cli/interrupt.h"
#include "cli/session.h"

namespace roost::cli {

ExitCode run_resurrect(Invocation& invocation, const Command& self, Args args) {
  ArgParser parser(invocation, self);
  if (const auto done = parser.parse(args)) return *done;
  on_interrupt("\nroost: interrupted; the apps are still being started, see `roost list`\n",
               invocation.options);
  const auto reply = call(ipc::kResurrect, {});
  if (!reply) return invocation.fail(reply.error());
  if (reply->outcomes.empty()) invocation.say("nothing was saved and nothing is suspended");
  return report_start(invocation, *reply, "started");
}

}  // namespace roost::cli
