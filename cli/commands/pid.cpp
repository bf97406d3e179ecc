#include "cli/args.h"
#include "cli/commands.h"
#include "cli/session.h"

namespace roost::cli {

ExitCode run_pid(Invocation& invocation, const Command& self, Args args) {
  ipc::TargetsRequest request;
  ArgParser parser(invocation, self);
  parser.targets("targets", request.targets, {});
  if (const auto done = parser.parse(args)) return *done;
  const auto reply = call(ipc::kList, request);
  if (!reply) return invocation.fail(reply.error());
  if (invocation.options.json) {
    invocation.show_json(*reply);
    return ExitCode::ok;
  }
  for (const auto& instance : reply->instances)
    if (instance.pid != 0) invocation.show(std::to_string(instance.pid) + "\n");
  return ExitCode::ok;
}

}  // namespace roost::cli
