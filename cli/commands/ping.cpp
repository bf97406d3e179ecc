#include "cli/args.h"
#include "cli/commands.h"
#include "cli/session.h"

namespace roost::cli {

ExitCode run_ping(Invocation& invocation, const Command& self, Args args) {
  ArgParser parser(invocation, self);
  if (const auto done = parser.parse(args)) return *done;
  const auto reply = call(ipc::kPing, {});
  if (!reply) return invocation.fail(reply.error());
  if (invocation.options.json)
    invocation.show_json(*reply);
  else
    invocation.show("pong (roostd " + invocation.safe(reply->version) + ", pid " +
                    std::to_string(reply->pid) + ")\n");
  return ExitCode::ok;
}

}  // namespace roost::cli
