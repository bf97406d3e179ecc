// The few colours of the output, and where they are used: state words and log prefixes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/model/run_state.h"

namespace roost::cli {

enum class Colour : std::uint8_t { none, dim, bold, red, green, yellow, blue, magenta, cyan };

[[nodiscard]] Colour colour_of(model::State state);
// Stable for a name, so that an app keeps its colour between calls.
[[nodiscard]] Colour colour_for_name(std::string_view name);
// The text itself when `enabled` is no or the colour is none.
enum class Colouring : std::uint8_t { off, on };
[[nodiscard]] std::string paint(std::string_view text, Colour colour, Colouring enabled);

}  // namespace roost::cli
