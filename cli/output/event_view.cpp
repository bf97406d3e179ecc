#include "cli/output/event_view.h"

#include <fmt/format.h>

#include "cli/output/app_naming.h"
#include "cli/output/colour.h"
#include "cli/output/units.h"
#include "cli/output/width.h"

namespace roost::cli {
namespace {

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
  std::string rest = "  " + shown(name, terminal) + "  " + shown(details(event), terminal);
  while (rest.ends_with(' '))
    rest.pop_back();
  if (terminal.width) {
    const std::size_t used = display_width(head) + display_width(word);
    rest = truncate(rest, *terminal.width > used ? *terminal.width - used : 0);
  }
  const auto colouring = terminal.colour ? Colouring::on : Colouring::off;
  return head + paint(word, colour_of(event.event), colouring) + rest + "\n";
}

}  // namespace roost::cli
