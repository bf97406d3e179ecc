#include "cli/args.h"
#include "cli/commands.h"
#include "cli/output/stats_view.h"
#include "cli/session.h"

namespace roost::cli {

ExitCode run_daemon(Invocation& invocation, const Command& self, Args args) {
  std::vector<std::string> words;
  ArgParser parser(invocation, self);
  parser.words("stats", words, {.least = 1, .most = 1});
  if (const auto done = parser.parse(args)) return *done;
  if (words.front() != "stats")
    return parser.usage_error(
        {Errc::invalid, "unknown word '" + words.front() + "'", "there is: roost daemon stats"});
  const auto reply = call(ipc::kStats, {});
  if (!reply) return invocation.fail(reply.error());
  if (invocation.options.json)
    invocation.show_json(*reply);
  else
    invocation.show(stats_text(*reply, invocation.terminal()));
  return ExitCode::ok;
}

}  // namespace roost::cli
