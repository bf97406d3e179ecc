#include "cli/args.h"
#include "cli/commands.h"
#include "cli/output/app_views.h"
#include "cli/session.h"

namespace roost::cli {

ExitCode run_describe(Invocation& invocation, const Command& self, Args args) {
  ipc::DescribeRequest request;
  ArgParser parser(invocation, self);
  parser.targets("a target", request.targets, {.least = 1});
  parser.flag("--reveal", request.reveal, "values of variables that look secret in clear");
  if (const auto done = parser.parse(args)) return *done;
  const auto reply = call(ipc::kDescribe, request);
  if (!reply) return invocation.fail(reply.error());
  if (invocation.options.json)
    invocation.show_json(*reply);
  else
    invocation.show(describe_text(*reply, invocation.terminal()));
  return ExitCode::ok;
}

}  // namespace roost::cli
