#include "cli/args.h"
#include "cli/commands.h"
#include "cli/session.h"

namespace roost::cli {

ExitCode run_jlist(Invocation& invocation, const Command& self, Args args) {
  ipc::TargetsRequest request;
  ArgParser parser(invocation, self);
  parser.targets("targets", request.targets, {});
  if (const auto done = parser.parse(args)) return *done;
  auto client = open_session();
  if (!client) return invocation.fail(client.error());
  const auto sink = [&](std::string_view bytes) {
    invocation.show(bytes);
    return ok();
  };
  if (auto fetched = client->call_document(ipc::kJlist, request, sink); !fetched)
    return invocation.fail(fetched.error());
  invocation.show("\n");
  return ExitCode::ok;
}

}  // namespace roost::cli
