#include "cli/output/history_view.h"

#include "cli/output/app_naming.h"
#include "cli/output/colour.h"
#include "cli/output/plan_view.h"
#include "cli/output/units.h"

namespace roost::cli {

std::string history_text(const ipc::HistoryReply& reply, const Terminal& terminal) {
  const auto colouring = terminal.colour ? Colouring::on : Colouring::off;
  std::string text;
  for (const ipc::HistoryEntry& entry : reply.entries) {
    text += paint(std::to_string(entry.number), Colour::bold, colouring) + "  " +
            format_wall(entry.at_ms) + "  " + shown(entry.user, terminal);
    if (!entry.command.empty()) text += "  " + shown(entry.command, terminal);
    if (!entry.file.empty()) text += " (" + shown(entry.file, terminal) + ")";
    if (entry.undone != 0) text += ": takes back " + std::to_string(entry.undone);
    text += "\n";
    for (const std::string& line : plan_lines(entry.changes, terminal))
      text += "    " + line + "\n";
  }
  return text;
}

}  // namespace roost::cli
