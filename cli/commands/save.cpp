#include "cli/args.h"
#include "cli/commands.h"
#include "cli/output/app_naming.h"
#include "cli/session.h"

namespace roost::cli {

ExitCode run_save(Invocation& invocation, const Command& self, Args args) {
  ArgParser parser(invocation, self);
  if (const auto done = parser.parse(args)) return *done;
  const auto reply = call(ipc::kSave, {});
  if (!reply) return invocation.fail(reply.error());
  if (invocation.options.json)
    invocation.show_json(*reply);
  else
    invocation.say("saved " + counted(reply->apps, "app", "apps") + ", " +
                   std::to_string(reply->up) +
                   " of them up; bring them back with: roost resurrect");
  return ExitCode::ok;
}

}  // namespace roost::cli
