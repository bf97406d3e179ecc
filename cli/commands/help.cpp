#include "cli/args.h"
#include "cli/commands.h"
#include "cli/help_text.h"

namespace roost::cli {

ExitCode run_help(Invocation& invocation, const Command& self, Args args) {
  std::vector<std::string> words;
  ArgParser parser(invocation, self);
  parser.words("a command", words, {.most = 1});
  if (const auto done = parser.parse(args)) return *done;
  if (words.empty()) {
    invocation.show(overview_help());
    return ExitCode::ok;
  }
  const Command* command = find_command(words.front());
  if (command == nullptr)
    return invocation.fail(
        {Errc::invalid, "unknown command '" + words.front() + "'", suggest_command(words.front())});
  // A command knows its own options: it explains itself.
  constexpr const char* kHelp = "--help";
  return command->run(invocation, *command, Args(&kHelp, 1));
}

}  // namespace roost::cli
