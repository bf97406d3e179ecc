#include "cli/args.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/keeper_search.h"
#include "cli/launcher.h"
#include "cli/output/app_naming.h"
#include "cli/session.h"

namespace roost::cli {
namespace {

std::string summary(const ipc::KillReply& reply) {
  std::string text = reply.stopped == 0
                         ? "the daemon has ended; no app was running"
                         : "stopped " + counted(reply.stopped, "instance", "instances");
  if (reply.killed > 0)
    text += " (" + counted(reply.killed, "process", "processes") + " needed SIGKILL)";
  if (reply.stopped > 0) text += ", and the daemon has ended";
  return text;
}

// Where no daemon comes up, nobody else ends its keeper.
Error with_way_out(Error error, const ipc::Paths& paths) {
  const pid_t keeper = find_keeper(paths.home);
  if (error.code == Errc::unavailable && keeper != 0)
    error.hint = "its keeper is pid " + std::to_string(keeper) + ": `kill -9 " +
                 std::to_string(keeper) + "` ends it, and the apps live on until the next command";
  return error;
}

}  // namespace

ExitCode run_kill(Invocation& invocation, const Command& self, Args args) {
  ArgParser parser(invocation, self);
  if (const auto done = parser.parse(args)) return *done;
  auto paths = ipc::paths_from_environment();
  if (!paths) return invocation.fail(paths.error());
  auto client = connect_if_running(*paths);
  if (!client) return invocation.fail(with_way_out(client.error(), *paths));
  ipc::KillReply reply;
  if (!*client) {
    invocation.say("no daemon runs for '" + paths->home + "': nothing to do");
  } else {
    on_interrupt("\nroost: interrupted; the daemon goes on stopping the apps\n",
                 invocation.options);
    auto killed = (*client)->call(ipc::kKill, {});
    if (!killed) return invocation.fail(killed.error());
    reply = *killed;
    if (auto gone = wait_until_gone(*paths, kLaunchLimit); !gone)
      return invocation.fail(gone.error());
    invocation.say(summary(reply));
  }
  if (invocation.options.json) invocation.show_json(reply);
  return ExitCode::ok;
}

}  // namespace roost::cli
