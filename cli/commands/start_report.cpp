#include "cli/commands/start_report.h"

#include <algorithm>

namespace roost::cli {

ExitCode report_start(Invocation& invocation, const ipc::StartReply& reply, std::string_view verb) {
  const auto failed = std::find_if(reply.outcomes.begin(), reply.outcomes.end(),
                                   [](const ipc::StartOutcome& outcome) { return !outcome.ok; });
  const auto code = failed == reply.outcomes.end() ? ExitCode::ok : ExitCode::unhealthy;
  if (invocation.options.json) {
    invocation.show_json(reply);
    return code;
  }
  for (const auto& line : start_lines(reply, verb))
    invocation.say(line);
  for (const auto& line : failure_lines(reply, invocation.terminal()))
    invocation.complain(line);
  if (!reply.note.empty()) invocation.warn("note: " + reply.note);
  if (code != ExitCode::ok)
    invocation.warn("more: roost logs " + failed->instance.name + ", roost describe " +
                    failed->instance.name);
  return code;
}

}  // namespace roost::cli
