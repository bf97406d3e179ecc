#include "cli/args.h"
#include "cli/commands.h"
#include "cli/drift.h"
#include "cli/output/app_views.h"
#include "cli/session.h"

namespace roost::cli {

ExitCode run_list(Invocation& invocation, const Command& self, Args args) {
  ipc::TargetsRequest request;
  ArgParser parser(invocation, self);
  parser.targets("targets", request.targets, {});
  if (const auto done = parser.parse(args)) return *done;
  auto reply = call(ipc::kList, request);
  if (!reply) return invocation.fail(reply.error());
  if (reply->files) find_drift(*reply->files);
  if (invocation.options.json) {
    invocation.show_json(*reply);
    return ExitCode::ok;
  }
  invocation.show(list_text(*reply, invocation.terminal()));
  // Remarks go to stderr: what reads the list from a pipe sees apps only.
  if (reply->instances.empty()) invocation.warn("no apps yet; start one: roost start app.js");
  if (reply->suspended && !reply->instances.empty())
    invocation.warn(
        "suspended by `roost kill`: apps stay down until they are started, as by "
        "`roost start all`");
  if (reply->files)
    for (const std::string& line : drift_lines(*reply->files))
      invocation.warn(invocation.safe(line));
  return ExitCode::ok;
}

}  // namespace roost::cli
