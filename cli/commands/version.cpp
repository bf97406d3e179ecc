#include "cli/args.h"
#include "cli/commands.h"
#include "cli/help_text.h"
#include "core/base/json_writer.h"

namespace roost::cli {

ExitCode run_version(Invocation& invocation, const Command& self, Args args) {
  ArgParser parser(invocation, self);
  if (const auto done = parser.parse(args)) return *done;
  if (!invocation.options.json) {
    invocation.show(version_line());
    return ExitCode::ok;
  }
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  out.key("version");
  out.string(ROOST_VERSION);
  out.end_object();
  invocation.show(text + "\n");
  return ExitCode::ok;
}

}  // namespace roost::cli
