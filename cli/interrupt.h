// Ctrl-C while a command waits for the daemon: says what goes on without it, and ends with status
// 130.
#pragma once

#include "cli/invocation.h"

namespace roost::cli {

// From now on SIGINT writes `message` to stderr (a literal; may be empty) and ends the program. Not
// when SIGINT was ignored on entry, as for a shell's background job. Where there is a message, and
// stderr is a terminal, there is a remark (not with --silent and --json) when it takes seconds.
void on_interrupt(const char* message, const GlobalOptions& options);

}  // namespace roost::cli
