// Ctrl-C while a command waits for the daemon: says what goes on without it, and ends with status
// 130.
#pragma once

namespace roost::cli {

// From now on SIGINT writes `message` to stderr (a literal; may be empty) and ends the program. Not
// when SIGINT was ignored on entry, as for a shell's background job.
void on_interrupt(const char* message);

}  // namespace roost::cli
