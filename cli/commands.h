// THE list of commands, and how a word finds its command.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace roost::cli {

[[nodiscard]] std::span<const Command> all_commands();
// By name or alias; null when there is none.
[[nodiscard]] const Command* find_command(std::string_view word);
// "did you mean 'restart'?", or empty.
[[nodiscard]] std::string suggest_command(std::string_view word);

// One per file in cli/commands/.
ExitCode run_start(Invocation& invocation, const Command& self, Args args);
ExitCode run_apply(Invocation& invocation, const Command& self, Args args);
ExitCode run_config(Invocation& invocation, const Command& self, Args args);
ExitCode run_graph(Invocation& invocation, const Command& self, Args args);
ExitCode run_history(Invocation& invocation, const Command& self, Args args);
ExitCode run_undo(Invocation& invocation, const Command& self, Args args);
ExitCode run_plan(Invocation& invocation, const Command& self, Args args);
ExitCode run_check(Invocation& invocation, const Command& self, Args args);
ExitCode run_init(Invocation& invocation, const Command& self, Args args);
ExitCode run_run(Invocation& invocation, const Command& self, Args args);
ExitCode run_wait(Invocation& invocation, const Command& self, Args args);
ExitCode run_tree(Invocation& invocation, const Command& self, Args args);
ExitCode run_stop(Invocation& invocation, const Command& self, Args args);
ExitCode run_restart(Invocation& invocation, const Command& self, Args args);
ExitCode run_delete(Invocation& invocation, const Command& self, Args args);
ExitCode run_reset(Invocation& invocation, const Command& self, Args args);
ExitCode run_signal(Invocation& invocation, const Command& self, Args args);
ExitCode run_scale(Invocation& invocation, const Command& self, Args args);
ExitCode run_flush(Invocation& invocation, const Command& self, Args args);
ExitCode run_events(Invocation& invocation, const Command& self, Args args);
ExitCode run_save(Invocation& invocation, const Command& self, Args args);
ExitCode run_resurrect(Invocation& invocation, const Command& self, Args args);
ExitCode run_daemon(Invocation& invocation, const Command& self, Args args);
ExitCode run_update(Invocation& invocation, const Command& self, Args args);
ExitCode run_env(Invocation& invocation, const Command& self, Args args);
ExitCode run_list(Invocation& invocation, const Command& self, Args args);
ExitCode run_describe(Invocation& invocation, const Command& self, Args args);
ExitCode run_jobs(Invocation& invocation, const Command& self, Args args);
ExitCode run_jlist(Invocation& invocation, const Command& self, Args args);
ExitCode run_logs(Invocation& invocation, const Command& self, Args args);
ExitCode run_pid(Invocation& invocation, const Command& self, Args args);
ExitCode run_ping(Invocation& invocation, const Command& self, Args args);
ExitCode run_kill(Invocation& invocation, const Command& self, Args args);
ExitCode run_completion(Invocation& invocation, const Command& self, Args args);
ExitCode run_version(Invocation& invocation, const Command& self, Args args);
ExitCode run_help(Invocation& invocation, const Command& self, Args args);

}  // namespace roost::cli
