#include "cli/commands.h"

#include <array>
#include <vector>

#include "core/base/suggest.h"

namespace roost::cli {
namespace {

constexpr std::string_view kTargetNotes =
    "Targets: an id (0), a name (api), one instance (api#1), a glob ('api-*'), an expression "
    "(/^api/), a label (team=web), or all.\n";

constexpr std::string_view kStartNotes =
    "What can be started:\n"
    "  a script        app.js, worker.py, run.sh …: run by the interpreter of its '#!' line, else "
    "of its extension; --interpreter names another one\n"
    "  a program       ./server, or a word found in PATH, as in: roost start nginx\n"
    "  a shell line    roost start \"cd api && exec ./serve | tee x\": run by /bin/sh\n"
    "  an app          a name, id, name#i, glob or all, of what roost already knows\n"
    "  a file of apps  roost.toml, ecosystem.config.js, apps.yaml, apps.json, package.json, or - "
    "for JSON on stdin: they are brought to what it says; options stand in the file\n"
    "\n"
    "Without words: the file of apps of this directory. Of this shell's variables an app gets "
    "PATH, HOME, LANG and the like, and those of --pass-env. `start` returns when the app has "
    "proved itself (alive for 500ms), or tells why it did not, with status 6.\n";

constexpr std::string_view kApplyNotes =
    "Without a file: roost.toml, roost.yaml, roost.json, ecosystem.config.js and the like of this "
    "directory.\n"
    "\n"
    "  + new   ~ has other settings, which are named   ^ is down   = as it should be\n"
    "  - came from this file and is gone from it (with --prune)   ! as -, but stays\n";

constexpr std::string_view kHistoryNotes =
    "A change is what start (of a new app), apply, delete, scale, resurrect and undo do to what "
    "is\n"
    "configured. The newest 200 are kept, up to 8 MiB. To go back: roost undo.\n";

constexpr std::string_view kUndoNotes =
    "Without a number: before the newest change of `roost history`; with one: before that change "
    "and\n"
    "all later ones. Settings, numbers of instances, and what is up and down become what they "
    "were,\n"
    "and only what differs is touched. It is a change itself: undoing it brings back what it took "
    "away.\n";

constexpr std::string_view kRunNotes =
    "Needs neither daemon nor home, and may be process 1. It ends as the app does: with its exit\n"
    "code, or 128+n when signal n ended it. Several apps, or one with `restart`, are restarted as\n"
    "the daemon would. SIGTERM, SIGINT and SIGQUIT stop, others are handed on. Apps get the whole\n"
    "environment, and write to our stdout and stderr.\n";

constexpr std::array<Command, 36> kCommands{{
    {"start", "", Group::apps, "Start scripts, programs, shell lines or apps",
     "<script|program|\"shell line\"|app|file>... [options] [-- args]", run_start, kStartNotes},
    {"apply", "", Group::apps, "Bring apps to what a file says", "[file] [options]", run_apply,
     kApplyNotes},
    {"plan", "", Group::apps, "Tell what apply would do", "[file] [options]", run_plan,
     kApplyNotes},
    {"history", "", Group::look, "Show what was changed of apps, when, by whom and why",
     "[options]", run_history, kHistoryNotes},
    {"undo", "", Group::apps, "Go back to before a change of apps", "[number] [options]", run_undo,
     kUndoNotes},
    {"check", "", Group::apps, "Look for faults in a file of apps", "[file] [options]", run_check,
     "All faults are told, each with its line; status 2 when there is one. No daemon is needed.\n"},
    {"init", "ecosystem", Group::apps, "Write a roost.toml to begin with", "", run_init,
     "It is never written over one that is there.\n"},
    {"run", "", Group::apps, "Run apps in the foreground, as in a container",
     "<script|file> [options] [-- args]", run_run, kRunNotes},
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
    {"scale", "", Group::apps, "Change how many instances an app has", "<app> <N|+N|-N> [options]",
     run_scale, "New instances take the lowest free numbers; those with the highest go first.\n"},
    {"flush", "", Group::apps, "Empty the log files of apps", "[target]...", run_flush,
     "Without targets: of all apps. The apps go on writing to the same files.\n"},
    {"save", "dump", Group::apps, "Remember all apps, for `resurrect`", "", run_save,
     "What runs needs no saving: it comes back with the next daemon, at once after a crash, with "
     "the\n"
     "first command after a reboot. This list is for coming back to it later, whatever was "
     "deleted\n"
     "or stopped meanwhile.\n"},
    {"resurrect", "", Group::apps, "Start what `kill` stopped and what was saved", "",
     run_resurrect},
    {"list", "ls l ps status", Group::look, "Show the state of apps", "[target]...", run_list,
     kTargetNotes},
    {"describe", "desc info show", Group::look, "Show everything about apps", "<target>...",
     run_describe, kTargetNotes},
    {"jobs", "", Group::look, "Show jobs, their times and their last runs", "[target]...", run_jobs,
     "A job is an app with a schedule, or of `type: job`. To run one now: roost start NAME. To "
     "take\n"
     "it off its schedule: roost stop NAME.\n"},
    {"env", "", Group::look, "Print the environment of an app", "<target> [options]", run_env,
     "Values of variables whose name looks secret are masked, unless --reveal is given.\n"},
    {"config", "", Group::look, "Show the settings of an app and their origins",
     "show <app> [options]", run_config,
     "With --origin the file of the app is read again: lines are those of now, variables those of\n"
     "this shell. Secrets are masked.\n"},
    {"graph", "", Group::look, "Show which app depends on which", "[file] [options]", run_graph,
     "Of the apps that roost has, or of those of a file. A circle is named.\n"},
    {"tree", "", Group::look, "Show the processes of apps", "[target]...", run_tree, kTargetNotes},
    {"wait", "", Group::look, "Wait until apps are ready, stopped, or have ended",
     "<target>... [options]", run_wait,
     "ready: online. stopped: no process, and none to come. exit: the present process has ended.\n"
     "Status 6 when it cannot come any more, 124 at the time limit.\n"},
    {"logs", "log", Group::look, "Show and follow the output of apps", "[target]... [options]",
     run_logs,
     "Without targets: all apps. On a terminal the logs are followed after the last lines, until\n"
     "Ctrl-C; elsewhere only with -f.\n"},
    {"events", "", Group::look, "Show what has happened to apps, and what happens",
     "[target]... [options]", run_events,
     "Events: added, held, scheduled, started, online, exit, start-failed, stopped, deleted.\n"
     "Past ones go back to the start of the present daemon; recorded exits of before are in\n"
     "`roost describe`.\n"},
    {"pid", "", Group::look, "Print the process ids of apps, one per line", "[target]...", run_pid,
     kTargetNotes},
    {"jlist", "", Group::look, "Print the list as JSON in PM2's shape", "[target]...", run_jlist,
     kTargetNotes},
    {"ping", "", Group::daemon, "Say who answers; starts the daemon if need be", "", run_ping},
    {"kill", "", Group::daemon, "Stop every app and end the daemon", "", run_kill,
     "The apps stay down, after a reboot too, until they are started again.\n"},
    {"daemon", "", Group::daemon, "Show what roost uses itself", "stats", run_daemon},
    {"update", "", Group::daemon, "Replace the running roost by the installed one", "", run_update,
     "Apps are not touched. A keeper or daemon that does not live is not taken: the one before "
     "goes\n"
     "on, and the status is 1.\n"},
    {"completion", "", Group::daemon, "Print a script that completes words in a shell",
     "<bash|zsh|fish>", run_completion,
     "  bash: roost completion bash > /etc/bash_completion.d/roost\n"
     "  zsh:  roost completion zsh > a file _roost in a directory of $fpath\n"
     "  fish: roost completion fish > ~/.config/fish/completions/roost.fish\n"},
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
