#include "cli/commands/stop_report.h"

#include "cli/output/app_views.h"

namespace roost::cli {

ExitCode report_stop(Invocation& invocation, const ipc::StopReply& reply, std::string_view verb) {
  if (invocation.options.json) {
    invocation.show_json(reply);
    return ExitCode::ok;
  }
  for (const auto& line : stop_lines(reply, verb))
    invocation.say(line);
  if (reply.outcomes.empty()) invocation.say("no apps: nothing to do");
  if (!reply.note.empty()) invocation.warn("note: " + invocation.safe(reply.note));
  return ExitCode::ok;
}

}  // namespace roost::cli
