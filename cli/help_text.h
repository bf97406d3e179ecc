// What --help and --version print.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace roost::cli {

struct HelpOption {
  std::string_view names;
  std::string_view value_name;
  std::string_view doc;
};

// "roost 0.1.0\n"
[[nodiscard]] std::string_view version_line();
// All commands with their aliases, by group.
[[nodiscard]] std::string overview_help();
[[nodiscard]] std::string command_help(const Command& command, std::span<const HelpOption> options);

}  // namespace roost::cli
