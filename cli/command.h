// Command: one word of the command line, described once. The list of all of them is commands.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "cli/exit_codes.h"

namespace roost::cli {

class Invocation;
struct Command;

// What follows the command word.
using Args = std::span<const char* const>;
using RunCommand = ExitCode (*)(Invocation& invocation, const Command& self, Args args);

enum class Group : std::uint8_t { apps, look, daemon };

struct Command {
  std::string_view name;
  std::string_view aliases;  // one blank between two
  Group group = Group::apps;
  std::string_view doc;    // one line, for the list of commands
  std::string_view usage;  // what follows "roost <name> " on its usage line; may be empty
  RunCommand run = nullptr;
  std::string_view notes = {};  // paragraphs below the options in its help; may be empty
};

}  // namespace roost::cli
