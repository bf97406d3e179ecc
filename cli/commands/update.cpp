#include <poll.h>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/launcher.h"
#include "cli/session.h"

namespace roost::cli {
namespace {

constexpr Duration kDaemonLimit =
    30s;  // for the next daemon to serve, or for the old one to be back
constexpr Duration kLookEvery = 20ms;

// What came of it, for --json.
struct Outcome {
  std::string version;
  std::int32_t pid = 0;
  std::int32_t keeper_pid = 0;
  bool keeper_replaced = false;
  bool daemon_replaced = false;
  std::string keeper_error;

  static constexpr auto fields() {
    return std::tuple{
        req("version", &Outcome::version, "version that serves now"),
        req("pid", &Outcome::pid, "pid of the daemon"),
        req("keeper_pid", &Outcome::keeper_pid, "pid of the keeper"),
        req("keeper_replaced", &Outcome::keeper_replaced, "the keeper runs the installed program"),
        req("daemon_replaced", &Outcome::daemon_replaced, "the daemon runs the installed program"),
        opt("keeper_error", &Outcome::keeper_error, "why the keeper does not")};
  }
};

Result<ipc::PingReply> ping(const ipc::Paths& paths) {
  auto client = ipc::Client::connect(paths, {}, ipc::Protocol::any);
  if (!client) return std::move(client).error();
  return client->call(ipc::kPing, {});
}

// Asks until another process than `before` answers.
Result<ipc::PingReply> next_daemon(const ipc::Paths& paths, std::int32_t before) {
  const TimePoint until = Monotonic::now() + kDaemonLimit;
  for (;;) {
    auto reply = ping(paths);
    if (reply && reply->pid != before) return reply;
    if (Monotonic::now() >= until) {
      if (!reply) return reply;
      return Error{Errc::timeout, "the daemon was not replaced in time",
                   "its log tells what it is doing; apps go on running"};
    }
    (void)::poll(nullptr, 0, static_cast<int>(to_ms(kLookEvery)));
  }
}

ExitCode report(Invocation& invocation, const std::string& before, const Outcome& outcome) {
  const bool all = outcome.keeper_replaced && outcome.daemon_replaced;
  if (invocation.options.json) {
    invocation.show_json(outcome);
    return all ? ExitCode::ok : ExitCode::failed;
  }
  if (!outcome.keeper_replaced)
    invocation.complain("the keeper was not replaced: " + invocation.safe(outcome.keeper_error) +
                        "; the one before goes on");
  if (!outcome.daemon_replaced)
    invocation.complain(
        "the installed roostd does not live, or is missing; the one before goes on, see "
        "roostd.log");
  if (all)
    invocation.say("updated " + invocation.safe(before) + " -> " +
                   invocation.safe(outcome.version) + " (roostd " + std::to_string(outcome.pid) +
                   ", keeper " + std::to_string(outcome.keeper_pid) + "); apps were not touched");
  return all ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

ExitCode run_update(Invocation& invocation, const Command& self, Args args) {
  ArgParser parser(invocation, self);
  if (const auto done = parser.parse(args)) return *done;
  auto paths = ipc::paths_from_environment();
  if (!paths) return invocation.fail(paths.error());
  auto client = connect_if_running(*paths);
  if (!client) return invocation.fail(client.error());
  if (!*client) {
    invocation.say("no daemon runs for '" + paths->home +
                   "': the next command starts the installed one");
    return ExitCode::ok;
  }
  const ipc::HelloReply before = (*client)->hello();
  const auto reply = (*client)->call(ipc::kUpdate, {});
  if (!reply) return invocation.fail(reply.error());
  const auto now = next_daemon(*paths, before.pid);
  if (!now) return invocation.fail(now.error());
  return report(invocation, before.version,
                {now->version, now->pid, now->keeper_pid, reply->keeper_replaced, !now->replaced,
                 reply->keeper_error});
}

}  // namespace roost::cli
