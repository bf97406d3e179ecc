#include "cli/commands.h"
#include "cli/commands/start_config.h"

namespace roost::cli {

ExitCode run_apply(Invocation& invocation, const Command& self, Args args) {
  ApplyOptions options;
  ArgParser parser(invocation, self);
  declare_apply(parser, options);
  parser.flag("--dry-run", options.dry_run, "tell the plan, and do nothing (`roost plan`)");
  parser.flag("--no-wait", options.no_wait, "do not wait until the apps have proved themselves");
  if (const auto done = parser.parse(args)) return *done;
  return apply_config(invocation, std::move(options));
}

}  // namespace roost::cli
