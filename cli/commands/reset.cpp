#include "cli/args.h"
#include "cli/commands.h"
#include "cli/output/app_naming.h"
#include "cli/session.h"

namespace roost::cli {

ExitCode run_reset(Invocation& invocation, const Command& self, Args args) {
  ipc::TargetsRequest request;
  ArgParser parser(invocation, self);
  parser.words("a target", request.targets, {.least = 1});
  if (const auto done = parser.parse(args)) return *done;
  const auto reply = call(ipc::kReset, request);
  if (!reply) return invocation.fail(reply.error());
  if (invocation.options.json) {
    invocation.show_json(*reply);
    return ExitCode::ok;
  }
  SeveralInstances names;
  for (const auto& instance : reply->instances)
    names.add(instance);
  for (const auto& instance : reply->instances)
    invocation.say("reset " + names.name_of(instance));
  return ExitCode::ok;
}

}  // namespace roost::cli
