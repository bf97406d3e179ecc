#include "cli/args.h"
#include "cli/commands.h"
#include "cli/output/app_views.h"
#include "cli/session.h"

namespace roost::cli {

ExitCode run_jobs(Invocation& invocation, const Command& self, Args args) {
  ipc::TargetsRequest request;
  ArgParser parser(invocation, self);
  parser.words("targets", request.targets, {});
  if (const auto done = parser.parse(args)) return *done;
  const auto reply = call(ipc::kJobs, request);
  if (!reply) return invocation.fail(reply.error());
  if (invocation.options.json) {
    invocation.show_json(*reply);
    return ExitCode::ok;
  }
  invocation.show(jobs_text(*reply, invocation.terminal()));
  if (reply->jobs.empty())
    invocation.warn(request.targets.empty()
                        ? "no jobs; a job is an app with a schedule, or of `type: job`"
                        : "none of these is a job");
  return ExitCode::ok;
}

}  // namespace roost::cli
