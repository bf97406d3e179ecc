#include "cli/args.h"
#include "cli/commands.h"
#include "cli/output/history_view.h"
#include "cli/output/units.h"
#include "cli/session.h"
#include "core/model/limits.h"

namespace roost::cli {

ExitCode run_history(Invocation& invocation, const Command& self, Args args) {
  std::optional<std::string> count;
  ArgParser parser(invocation, self);
  parser.value("-n,--last", "N", count, "how many changes; default 20");
  if (const auto done = parser.parse(args)) return *done;
  const auto last = parse_count(count.value_or("20"), 1, model::limits::kHistoryKept);
  if (!last) return parser.usage_error(Error(last.error()).context("--last"));
  const auto reply = call(ipc::kHistory, ipc::HistoryRequest{*last});
  if (!reply) return invocation.fail(reply.error());
  if (invocation.options.json) {
    invocation.show_json(*reply);
    return ExitCode::ok;
  }
  invocation.show(history_text(*reply, invocation.terminal()));
  if (reply->entries.empty()) invocation.warn("nothing was changed yet");
  return ExitCode::ok;
}

}  // namespace roost::cli
