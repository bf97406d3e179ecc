// `roost launch DIRECTORY COUNT NAME=SOURCE… ARGV…`: finds the values of secrets (env_from of an
// app), puts them into its environment and executes the app in its own place: same process, same
// descriptors. It is in the app's process already, with its user, directory and environment; so no
// daemon sees a value. Not for people: it is in no help. When a value cannot be had it says on
// stderr which and why, and ends with kLaunchFailed.
#pragma once

#include <string>

#include "cli/command.h"
#include "core/base/result.h"
#include "core/model/launch.h"

namespace roost::cli {

inline constexpr int kLaunchFailed = 125;

// Does not return unless the words make no sense: then the exit status.
[[nodiscard]] int run_launch(Args args);

// The value, without line ends behind it. `credentials`: where those of systemd are.
[[nodiscard]] Result<std::string> find_secret(const model::SecretSource& source,
                                              const std::string& credentials);

// What a shell line prints, within limits::kSecretTime; nothing of it is left afterwards.
[[nodiscard]] Result<std::string> command_output(const std::string& line);

}  // namespace roost::cli
