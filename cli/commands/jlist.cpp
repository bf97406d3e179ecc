#include "cli/args.h"
#include "cli/commands.h"
#include "cli/session.h"

namespace roost::cli {

ExitCode run_jlist(Invocation& invocation, const Command& self, Args args) {
  ipc::TargetsRequest request;
  ArgParser parser(invocation, self);
  parser.targets("targets", request.targets, {});
  if (const auto done = parser.parse(args)) return *done;
  const auto sink = [&](std::string_view bytes) {
    invocation.show(bytes);
    return ok();
  };
  const auto fetch = [&](ipc::Client& client) {
    return client.call_document(ipc::kJlist, request, sink);
  };
  if (auto fetched = with_session(ipc::kJlist.retry, fetch); !fetched)
    return invocation.fail(fetched.error());
  invocation.show("\n");
  return ExitCode::ok;
}

}  // namespace roost::cli
