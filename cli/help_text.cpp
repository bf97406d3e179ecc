#include "cli/help_text.h"

#include <algorithm>
#include <array>

#include "cli/commands.h"
#include "cli/output/width.h"

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

constexpr std::size_t kHelpColumns = 80;
constexpr std::size_t kMostLeft = 32;
constexpr std::size_t kRowIndent = 2;

// As many words as fit; at least one.
std::string_view first_line(std::string_view text, std::size_t columns) {
  std::size_t end = text.find(' ');
  for (std::size_t next = end; next != text.npos;) {
    next = text.find(' ', next + 1);
    if (display_width(text.substr(0, next)) > columns) break;
    end = next;
  }
  return text.substr(0, end);
}

// What does not fit stands below, from `column` on, where the text begins itself.
void append_wrapped(std::string& out, std::string_view text, std::size_t column) {
  while (!text.empty()) {
    const std::string_view line = first_line(text, kHelpColumns - column);
    out.append(line) += '\n';
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!text.empty()) out.append(column, ' ');
  }
}

// "  left            right\n"
void append_row(std::string& out, const std::string& left, std::string_view right,
                std::size_t column) {
  out += "  " + left;
  if (left.size() < column)
    out.append(column - left.size(), ' ');
  else
    out.append("\n").append(column + 2, ' ');
  append_wrapped(out, right, column + 2);
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

// Where the text of a row begins: "  word   text"; of anything else 0.
std::size_t text_column(std::string_view line) {
  if (!line.starts_with("  ")) return 0;
  const std::size_t gap = line.find("  ", line.find_first_not_of(' '));
  return gap == line.npos ? 0 : line.find_first_not_of(' ', gap);
}

// Paragraphs, rows "  word   text" and examples. A line goes on with what stands below it at the
// same column.
void append_notes(std::string& out, std::string_view notes) {
  std::string block;
  std::size_t column = 0;
  const auto flush = [&] {
    out.append(block, 0, column);
    append_wrapped(out, std::string_view(block).substr(column), column);
    block.clear();
  };
  while (!notes.empty()) {
    const std::string_view line = notes.substr(0, notes.find('\n'));
    notes.remove_prefix(std::min(line.size() + 1, notes.size()));
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    const bool goes_on = indent == column && indent != kRowIndent;
    if (!block.empty() && !line.empty() && goes_on) {
      block.append(" ").append(line.substr(indent));
      continue;
    }
    flush();
    column = std::max(indent, text_column(line));
    block = line;
    if (line.empty()) out += '\n';
  }
  flush();
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
    if (const std::size_t size = option_left(option).size() + 2; size <= kMostLeft)
      column = std::max(column, size);
  std::string out = "usage: roost " + std::string(command.name);
  if (!command.usage.empty()) out += " " + std::string(command.usage);
  out += "\n\n" + std::string(command.doc) + ".";
  if (!command.aliases.empty()) out += " Also: " + std::string(command.aliases) + ".";
  out += "\n";
  if (!options.empty()) append_options(out, "Options", options, column);
  append_options(out, "Options of every command", kGlobalHelp, column);
  if (!command.notes.empty()) append_notes(out += '\n', command.notes);
  return out;
}

}  // namespace roost::cli
