#include "cli/commands.h"
#include "cli/commands/start_config.h"

namespace roost::cli {

ExitCode run_plan(Invocation& invocation, const Command& self, Args args) {
  ApplyOptions options;
  options.dry_run = true;
  ArgParser parser(invocation, self);
  declare_apply(parser, options);
  if (const auto done = parser.parse(args)) return *done;
  return apply_config(invocation, std::move(options));
}

}  // namespace roost::cli
