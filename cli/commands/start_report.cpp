#include "cli/commands/start_report.h"

#include <algorithm>

namespace roost::cli {

ExitCode report_start(Invocation& invocation, const ipc::StartReply& reply, std::string_view verb) {
  const auto failed = std::find_if(reply.outcomes.begin(), reply.outcomes.end(),
                                   [](const ipc::StartOutcome& outcome) { return !outcome.ok; });
  auto code = failed == reply.outcomes.end() ? ExitCode::ok : ExitCode::unhealthy;
  if (!reply.refused.empty()) code = exit_code_for(errc_from(reply.refused.front().code));
  if (invocation.options.json) {
    invocation.show_json(reply);
    return code;
  }
  for (const auto& line : start_lines(reply, verb))
    invocation.say(line);
  for (const auto& line : failure_lines(reply, invocation.terminal()))
    invocation.complain(line);
  for (const ipc::Refusal& one : reply.refused)
    (void)invocation.fail({errc_from(one.code), one.message, one.hint});  // the first one decides
  if (!reply.note.empty()) invocation.warn("note: " + reply.note);
  if (reply.outcomes.empty() && reply.plan.empty() && reply.refused.empty())
    invocation.warn("no apps yet; start one: roost start app.js");
  if (failed != reply.outcomes.end())
    invocation.warn("more: roost logs " + failed->instance.name + ", roost describe " +
                    failed->instance.name);
  return code;
}

}  // namespace roost::cli
