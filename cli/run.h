// The whole program behind main(): finds the command, runs it, and gives its exit status.
#pragma once

#include "cli/command.h"

namespace roost::cli {

// `args` without the program's name.
[[nodiscard]] ExitCode run(Args args);

}  // namespace roost::cli
