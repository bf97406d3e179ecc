// What the output goes to: decided once per run, injected in tests.
#pragma once

#include <cstdint>
#include <optional>

namespace roost::cli {

struct Terminal {
  bool tty = false;
  bool colour = false;
  // Columns to fit into; absent when piped: then nothing is cut.
  std::optional<std::uint32_t> width{};
};

// Of stdout. Colour needs a terminal, TERM other than "dumb", no NO_COLOR and no --no-color.
enum class ColourWish : std::uint8_t { when_possible, never };
[[nodiscard]] Terminal detect_terminal(ColourWish wish);

}  // namespace roost::cli
