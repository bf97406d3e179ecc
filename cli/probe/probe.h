// `roost probe KIND TARGET MS CWD IDENTITY`: one look at something, for the daemon, which opens no
// socket and runs no code of the user's itself (daemon/process/probe_child.h). Not for people: it
// is in no help. Says in a line what is wrong; the exit status is 0 when all is well. It ends
// itself, and all it started, when its time is over.
#pragma once

#include <string>

#include "cli/command.h"

namespace roost::cli {

[[nodiscard]] int run_probe(Args args);

// Each returns the exit status, after saying on stdout what is wrong.
[[nodiscard]] int probe_http(const std::string& url);
[[nodiscard]] int probe_tcp(const std::string& address);
[[nodiscard]] int probe_file(const std::string& path);
// Runs the shell line in a process group of its own, of which nothing is left afterwards.
[[nodiscard]] int probe_exec(const std::string& line, const std::string& cwd);

inline constexpr int kProbeFailed = 1;
// Prints the line and returns kProbeFailed.
[[nodiscard]] int probe_failed(const std::string& why);

// When the time is over, this process group is killed as well; 0 = none.
void set_probe_group(int group);

}  // namespace roost::cli
