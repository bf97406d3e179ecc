#include "cli/commands.h"

#include <array>
#include <vector>

#include "core/base/suggest.h"

namespace roost::cli {
namespace {

constexpr std::string_view kTargetNotes =
    "Targets: an id (0), a name (api), one instance (api#1), a glob ('api-*'), or all.\n";

constexpr std::string_view kStartNotes =
    "What can be started:\n"
    "  a script       app.js, worker.py, run.sh …: run by the interpreter of its '#!' line, else "
    "of\n"
    "                 its extension; --interpreter names another one\n"
    "  a program      ./server, or a word found in PATH, as in: roost start nginx\n"
    "  a shell line   roost start \"cd api && exec ./serve | tee x\": run by /bin/sh\n"
    "  an app         a name, id, name#i, glob or all, of what roost already knows\n"
    "\n"
    "The app gets the environment of this shell. `start` returns when the app has proved itself\n"
    "(alive for 500ms), or tells why it did not, with status 6.\n";

constexpr std::array<Command, 16> kCommands{{
    {"start", "", Group::apps, "Start scripts, programs, shell lines or apps",
     "<script|program|\"shell line\"|app>... [options] [-- args]", run_start, kStartNotes},
    {"stop", "", Group::apps, "Stop apps and keep their entries", "<target>...", run_stop,
     kTargetNotes},
    {"restart", "", Group::apps, "Stop and start apps", "<target>... [options]", run_restart,
     kTargetNotes},
    {"delete", "del rm", Group::apps, "Stop apps and forget them", "<target>...", run_delete,
     kTargetNotes},
    {"reset", "", Group::apps, "Set the restart counters of apps to 0", "<target>...", run_reset,
     kTargetNotes},
    {"signal", "sendSignal", Group::apps, "Send a signal to the main process of apps",
     "<signal> <target>...", run_signal, kTargetNotes},
    {"list", "ls l ps status", Group::look, "Show the state of apps", "[target]...", run_list,
     kTargetNotes},
    {"describe", "desc info show", Group::look, "Show everything about apps", "<target>...",
     run_describe, kTargetNotes},
    {"env", "", Group::look, "Print the environment of an app", "<target>", run_env,
     "Values of variables whose name looks secret are masked.\n"},
    {"logs", "log", Group::look, "Show and follow the output of apps", "[target]... [options]",
     run_logs,
     "Without targets: all apps. On a terminal the logs are followed after the last lines, until\n"
     "Ctrl-C; elsewhere only with -f.\n"},
    {"pid", "", Group::look, "Print the process ids of apps, one per line", "[target]...", run_pid,
     kTargetNotes},
    {"jlist", "", Group::look, "Print the list as JSON in PM2's shape", "", run_jlist},
    {"ping", "", Group::daemon, "Say who answers; starts the daemon if need be", "", run_ping},
    {"kill", "", Group::daemon, "Stop every app and end the daemon", "", run_kill,
     "The apps stay down, after a reboot too, until they are started again.\n"},
    {"version", "", Group::daemon, "Print the version", "", run_version},
    {"help", "", Group::daemon, "Explain roost or a command", "[command]", run_help},
}};

// Calls `use` for each alias until it answers true; whether one did.
template <class Use>
bool any_alias(std::string_view aliases, Use use) {
  while (!aliases.empty()) {
    const auto size = std::min(aliases.find(' '), aliases.size());
    if (use(aliases.substr(0, size))) return true;
    aliases.remove_prefix(std::min(size + 1, aliases.size()));
  }
  return false;
}

}  // namespace

std::span<const Command> all_commands() {
  return kCommands;
}

const Command* find_command(std::string_view word) {
  for (const auto& command : kCommands) {
    if (command.name == word) return &command;
    if (any_alias(command.aliases, [&](std::string_view alias) { return alias == word; }))
      return &command;
  }
  return nullptr;
}

std::string suggest_command(std::string_view word) {
  std::vector<std::string_view> words;
  for (const auto& command : kCommands) {
    words.push_back(command.name);
    any_alias(command.aliases, [&](std::string_view alias) {
      words.push_back(alias);
      return false;
    });
  }
  return did_you_mean(word, words);
}

}  // namespace roost::cli
