#include "cli/args.h"
#include "cli/commands.h"
#include "cli/commands/start_report.h"
#include "cli/drift.h"
#include "cli/file_targets.h"
#include "cli/interrupt.h"
#include "cli/session.h"

namespace roost::cli {
namespace {

// A restart is with the settings that roost has, which may surprise whoever has changed the file.
void tell_drift(Invocation& invocation, const std::vector<std::string>& targets) {
  if (invocation.options.silent || invocation.options.json) return;
  auto list = call(ipc::kList, ipc::TargetsRequest{targets, {}});
  if (!list || !list->files) return;
  find_drift(*list->files);
  for (const std::string& line : drift_lines(*list->files))
    invocation.warn("note: " + invocation.safe(line));
}

}  // namespace

ExitCode run_restart(Invocation& invocation, const Command& self, Args args) {
  ipc::RestartRequest request;
  bool no_wait = false;
  ArgParser parser(invocation, self);
  parser.targets("a target", request.targets, {.least = 1});
  parser.flag("--no-wait", no_wait, "do not wait until the apps have proved themselves");
  if (const auto done = parser.parse(args)) return *done;
  auto targets = expand_targets(invocation, request.targets);
  if (!targets) return invocation.fail(targets.error());
  request.jobs = *targets == request.targets;  // the apps of a file are not named one by one
  request.targets = std::move(*targets);
  request.wait = !no_wait;
  on_interrupt("\nroost: interrupted; the restart goes on, see `roost list`\n", invocation.options);
  const auto reply = call(ipc::kRestart, request);
  if (!reply) return invocation.fail(reply.error());
  const ExitCode status = report_start(invocation, *reply, no_wait ? "restarting" : "restarted");
  tell_drift(invocation, request.targets);
  return status;
}

}  // namespace roost::cli
