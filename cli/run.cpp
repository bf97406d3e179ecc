#include "cli/run.h"

#include <array>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/help_text.h"
#include "cli/invocation.h"
#include "cli/launch/launch.h"
#include "cli/probe/probe.h"

namespace roost::cli {
namespace {

// What people who come from PM2 type and roost has under another name, or not yet.
constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kOfPm2{
    {{"reload", "not yet; meanwhile: roost restart"},
     {"gracefulReload", "not yet; meanwhile: roost restart"},
     {"startOrRestart", "roost apply FILE"},
     {"startOrReload", "roost apply FILE"},
     {"startup",
      "not yet; a unit of the system that runs `roost ping` does it: what should be up comes back "
      "by itself"},
     {"monit", "not yet; meanwhile: roost list, roost logs -f, roost events -f"},
     {"prettylist", "roost list --json"},
     {"id", "roost list --json has the ids"},
     {"reloadLogs", "not yet"},
     {"trigger", "not yet"},
     {"send", "not yet"},
     {"attach", "not yet; meanwhile: roost logs NAME -f"},
     {"unstartup", "not yet"},
     {"serve", "not yet; meanwhile a server of files is an app like any other"},
     {"cleardump", "there is one list, which `roost save` writes anew"},
     {"ecosystem", "roost init"},
     {"set", "there are no settings of roost itself; those of apps are in their file"},
     {"deploy", "not offered: bring the files there, then roost apply"}}};

std::string hint_for(std::string_view word) {
  for (const auto& [of_pm2, hint] : kOfPm2)
    if (of_pm2 == word) return std::string(hint);
  return suggest_command(word);
}

ExitCode unknown_command(Invocation& invocation, std::string_view word) {
  auto hint = hint_for(word);
  if (hint.empty()) hint = "`roost help` lists the commands";
  return invocation.fail({Errc::invalid, fmt::format("unknown command '{}'", word), hint});
}

// Global options may stand before the command.
Args take_globals(Args args, GlobalOptions& options) {
  while (!args.empty() && set_global_option(args.front(), options))
    args = args.subspan(1);
  return args;
}

ExitCode run_command(Invocation& invocation, Args args) {
  args = take_globals(args, invocation.options);
  if (invocation.options.version) {
    invocation.show(version_line());
    return ExitCode::ok;
  }
  if (args.empty()) {
    invocation.show(overview_help());
    return invocation.options.help ? ExitCode::ok : ExitCode::usage;
  }
  const std::string_view word = args.front();
  if (word.starts_with('-'))
    return invocation.fail({Errc::invalid, fmt::format("unknown option '{}'", word),
                            "options of a command stand behind it: roost <command> [options]"});
  if (word == "probe") return static_cast<ExitCode>(run_probe(args.subspan(1)));
  if (word == "launch") return static_cast<ExitCode>(run_launch(args.subspan(1)));
  const Command* command = find_command(word);
  if (command == nullptr) {
    for (const std::string_view other : args.subspan(1))
      if (other == "--json") invocation.options.json = true;
    return unknown_command(invocation, word);
  }
  return command->run(invocation, *command, args.subspan(1));
}

}  // namespace

ExitCode run(Args args) {
  Invocation invocation;
  invocation.set_words(args);
  ExitCode code = ExitCode::failed;
  try {
    code = run_command(invocation, args);
  } catch (const std::exception& error) {
    code = invocation.fail({Errc::internal, error.what(), "this is a bug of roost"});
  }
  if (auto flushed = invocation.flush(); !flushed && code == ExitCode::ok) {
    invocation.options.json = false;  // stdout is what does not work
    return invocation.fail(flushed.error());
  }
  return code;
}

}  // namespace roost::cli
