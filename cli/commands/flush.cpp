#include "cli/args.h"
#include "cli/commands.h"
#include "cli/output/app_naming.h"
#include "cli/output/units.h"
#include "cli/session.h"

namespace roost::cli {

ExitCode run_flush(Invocation& invocation, const Command& self, Args args) {
  ipc::TargetsRequest request;
  ArgParser parser(invocation, self);
  parser.targets("targets", request.targets, {});
  if (const auto done = parser.parse(args)) return *done;
  const auto reply = call(ipc::kFlush, request);
  if (!reply) return invocation.fail(reply.error());
  const ExitCode code = reply->failed.empty() ? ExitCode::ok : ExitCode::failed;
  if (invocation.options.json) {
    invocation.show_json(*reply);
    return code;
  }
  invocation.say("emptied " + counted(reply->files, "log file", "log files") + " (" +
                 format_bytes(reply->bytes) + ")");
  for (const auto& problem : reply->failed)
    invocation.complain("not emptied: " + invocation.safe(problem));
  return code;
}

}  // namespace roost::cli
