#include <charconv>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/commands/start_report.h"
#include "cli/commands/stop_report.h"
#include "cli/interrupt.h"
#include "cli/output/app_naming.h"
#include "cli/session.h"

namespace roost::cli {
namespace {

// "4", "+2" or "-1".
bool read_count(std::string_view word, ipc::ScaleRequest& request) {
  request.relative = word.starts_with('+') || word.starts_with('-');
  if (word.starts_with('+')) word.remove_prefix(1);
  const auto [end, error] =
      std::from_chars(word.data(), word.data() + word.size(), request.instances);
  return error == std::errc{} && end == word.data() + word.size() && !word.empty();
}

ExitCode report(Invocation& invocation, const ipc::ScaleReply& reply, std::string_view done) {
  ExitCode code = ExitCode::ok;
  for (const auto& outcome : reply.started)
    if (!outcome.ok) code = ExitCode::unhealthy;
  if (invocation.options.json) {
    invocation.show_json(reply);
    return code;
  }
  if (reply.before == reply.after)
    invocation.say("it has " + counted(reply.after, "instance", "instances") +
                   " already: nothing to do");
  if (!reply.stopped.empty()) (void)report_stop(invocation, {reply.stopped}, "deleted");
  if (!reply.started.empty()) (void)report_start(invocation, {reply.started, {}, {}, {}}, done);
  if (reply.before != reply.after)
    invocation.say(std::to_string(reply.before) + " -> " +
                   counted(reply.after, "instance", "instances"));
  return code;
}

}  // namespace

ExitCode run_scale(Invocation& invocation, const Command& self, Args args) {
  std::vector<std::string> words;
  bool no_wait = false;
  ArgParser parser(invocation, self);
  parser.words("an app and a number", words, {.least = 2, .most = 2});
  parser.flag("--no-wait", no_wait, "do not wait until new instances have proved themselves");
  if (const auto done = parser.parse(args)) return *done;
  ipc::ScaleRequest request;
  request.app = words[0];
  request.wait = !no_wait;
  request.command = invocation.command_line();
  if (!read_count(words[1], request))
    return parser.usage_error(
        {Errc::invalid, "'" + words[1] + "' is no number of instances", "as in 4, +2 or -1"});
  on_interrupt("\nroost: interrupted; scaling goes on, see `roost list`\n", invocation.options);
  const auto reply = call(ipc::kScale, request);
  if (!reply) return invocation.fail(reply.error());
  return report(invocation, *reply, no_wait ? "starting" : "started");
}

}  // namespace roost::cli
