#include "cli/help_text.h"

#include <algorithm>
#include <array>

#include "cli/commands.h"

namespace roost::cli {
namespace {

constexpr std::array<HelpOption, 5> kGlobalHelp{{
    {"--json", "", "print the daemon's reply as JSON; errors too"},
    {"-s,--silent", "", "print only what was asked for, and errors"},
    {"--no-color", "", "no colours (as with NO_COLOR in the environment)"},
    {"-h,--help", "", "this help"},
    {"-v,--version", "", "print the version"},
}};

struct GroupTitle {
  Group group;
  std::string_view title;
};

constexpr std::array<GroupTitle, 3> kGroups{{{Group::apps, "Run apps"},
                                             {Group::look, "Look at them"},
                                             {Group::daemon, "The daemon and roost itself"}}};

// "  left            right\n"
void append_row(std::string& out, const std::string& left, std::string_view right,
                std::size_t column) {
  out += "  " + left;
  out.append(left.size() < column ? column - left.size() : 1, ' ');
  out += right;
  out += '\n';
}

// "-n, --name NAME"; long options without a short one stand below the long ones of others.
std::string option_left(const HelpOption& option) {
  std::string left = option.names.starts_with("--") ? "    " : "";
  for (const char c : option.names) {
    left += c;
    if (c == ',') left += ' ';
  }
  if (!option.value_name.empty()) left += " " + std::string(option.value_name);
  return left;
}

void append_options(std::string& out, std::string_view title, std::span<const HelpOption> options,
                    std::size_t column) {
  out += "\n";
  out += title;
  out += ":\n";
  for (const auto& option : options)
    append_row(out, option_left(option), option.doc, column);
}

std::string with_aliases(const Command& command) {
  std::string text(command.name);
  if (!command.aliases.empty()) text += " (" + std::string(command.aliases) + ")";
  return text;
}

}  // namespace

std::string_view version_line() {
  return "roost " ROOST_VERSION "\n";
}

std::string overview_help() {
  std::string out = "roost " ROOST_VERSION
                    ": keeps programs running.\n\n"
                    "usage: roost <command> [options]\n";
  for (const auto& group : kGroups) {
    out += "\n" + std::string(group.title) + ":\n";
    for (const auto& command : all_commands())
      if (command.group == group.group) append_row(out, with_aliases(command), command.doc, 26);
  }
  append_options(out, "Options of every command", kGlobalHelp, 26);
  out +=
      "\n`roost help <command>` explains one. ROOST_HOME (default ~/.roost): which roost.\n"
      "\n"
      "  roost start app.js            start something\n"
      "  roost list                    see how it is doing\n"
      "  roost logs                    see what it says\n";
  return out;
}

std::string command_help(const Command& command, std::span<const HelpOption> options) {
  std::size_t column = 16;
  for (const auto& option : options)
    column = std::max(column, option_left(option).size() + 2);
  std::string out = "usage: roost " + std::string(command.name);
  if (!command.usage.empty()) out += " " + std::string(command.usage);
  out += "\n\n" + std::string(command.doc) + ".";
  if (!command.aliases.empty()) out += " Also: " + std::string(command.aliases) + ".";
  out += "\n";
  if (!options.empty()) append_options(out, "Options", options, column);
  append_options(out, "Options of every command", kGlobalHelp, column);
  if (!command.notes.empty()) out += "\n" + std::string(command.notes);
  return out;
}

}  // namespace roost::cli
