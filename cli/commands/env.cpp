#include <algorithm>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "core/model/instance_text.h"

namespace roost::cli {
namespace {

struct Environment {
  std::map<std::string, std::string> env;

  static constexpr auto fields() {
    return std::tuple{req("env", &Environment::env, "names and values")};
  }
};

}  // namespace

ExitCode run_env(Invocation& invocation, const Command& self, Args args) {
  ipc::DescribeRequest request;
  ArgParser parser(invocation, self);
  parser.targets("a target", request.targets, {.least = 1, .most = 1});
  parser.flag("--reveal", request.reveal, "values of variables that look secret in clear");
  if (const auto done = parser.parse(args)) return *done;
  const auto reply = call(ipc::kDescribe, request);
  if (!reply) return invocation.fail(reply.error());
  if (reply->instances.empty()) return ExitCode::ok;
  const auto& app = reply->instances.front();
  const auto env = model::instance_environment(app.spec, app.instance.slot);
  const bool one_app =
      std::all_of(reply->instances.begin(), reply->instances.end(),
                  [&](const auto& other) { return other.instance.name == app.instance.name; });
  if (!one_app)
    return parser.usage_error({Errc::invalid,
                               "'" + request.targets.front() + "' names several apps",
                               "name one of them"});
  if (invocation.options.json) {
    invocation.show_json(Environment{env});
    return ExitCode::ok;
  }
  for (const auto& [name, value] : env)
    invocation.show(invocation.safe(name + "=" + value) + "\n");
  return ExitCode::ok;
}

}  // namespace roost::cli
