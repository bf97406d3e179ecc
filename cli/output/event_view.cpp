#include "cli/output/event_view.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/output/app_naming.h"
#include "cli/output/colour.h"
#include "cli/output/units.h"
#include "cli/output/width.h"

namespace roost::cli {
namespace {

constexpr std::size_t kIndent = 4;

Colour colour_of(std::string_view event) {
  if (event == "online") return Colour::green;
  if (event == "exit" || event == "start-failed") return Colour::red;
  return Colour::dim;
}

std::string details(const ipc::EventInfo& event) {
  std::string text;
  if (event.pid != 0) text = "pid " + std::to_string(event.pid);
  const auto add = [&text](std::string_view more) {
    if (!text.empty()) text += ": ";
    text += more;
  };
  if (event.status)
    add(model::describe(*event.status) + " after " +
        format_duration(std::chrono::milliseconds(event.ran_for_ms)));
  if (!event.reason.empty()) add(event.reason);
  return text;
}

}  // namespace

std::string event_line(const ipc::EventInfo& event, const Terminal& terminal) {
  const std::string name =
      event.slot == 0 ? event.name : event.name + "#" + std::to_string(event.slot);
  const std::string head = format_wall(event.time_ms) + "  ";
  const std::string word = fmt::format("{:<12}", shown(event.event, terminal));
  const std::string told = shown(details(event), terminal);
  std::string whom = "  " + shown(name, terminal);
  std::string what = told.empty() ? "" : "  " + told;
  if (terminal.width) {
    const std::size_t used = display_width(head) + display_width(word);
    const std::size_t left = *terminal.width - std::min<std::size_t>(*terminal.width, used);
    // What does not fit stands below.
    if (display_width(whom) + display_width(what) > left) {
      whom = truncate(whom, left);
      if (!told.empty())
        what = "\n" + std::string(kIndent, ' ') +
               truncate(told, *terminal.width - std::min<std::size_t>(*terminal.width, kIndent));
    }
  }
  const auto colouring = terminal.colour ? Colouring::on : Colouring::off;
  return head + paint(word, colour_of(event.event), colouring) + whom + what + "\n";
}

}  // namespace roost::cli
