#include "cli/output/terminal.h"

#include <cstdlib>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/output/units.h"

namespace roost::cli {
namespace {

constexpr std::uint32_t kDefaultWidth = 80;
constexpr std::uint32_t kMinWidth = 20;

std::uint32_t terminal_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= kMinWidth)
    return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  const auto parsed = parse_count(columns == nullptr ? "" : columns, kMinWidth, 10'000);
  return parsed ? *parsed : kDefaultWidth;
}

bool colour_allowed() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return (no_colour == nullptr || *no_colour == '\0') && term != nullptr &&
         std::string_view(term) != "dumb";
}

}  // namespace

Terminal detect_terminal(ColourWish wish) {
  Terminal terminal;
  terminal.tty = ::isatty(STDOUT_FILENO) == 1;
  if (!terminal.tty) return terminal;
  terminal.width = terminal_width();
  terminal.colour = wish == ColourWish::when_possible && colour_allowed();
  return terminal;
}

}  // namespace roost::cli
