#include "cli/args.h"
#include "cli/commands.h"
#include "cli/commands/instance_report.h"
#include "cli/session.h"
#include "core/model/exit_status.h"

namespace roost::cli {
ExitCode run_signal(Invocation& invocation, const Command& self, Args args) {
  std::vector<std::string> words;
  ArgParser parser(invocation, self);
  parser.targets("a signal and a target", words, {.least = 2}, 1);
  if (const auto done = parser.parse(args)) return *done;
  ipc::SignalRequest request;
  request.signal = model::signal_number(words.front());
  if (request.signal == 0)
    return parser.usage_error({Errc::invalid, "unknown signal '" + words.front() + "'",
                               "a name as in `kill -l` (HUP, SIGUSR2), or a number from 1 to 64"});
  request.targets.assign(words.begin() + 1, words.end());
  const auto reply = call(ipc::kSignal, request);
  if (!reply) return invocation.fail(reply.error());
  return report_instances(invocation, *reply, "signalled");
}

}  // namespace roost::cli
