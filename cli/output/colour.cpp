#include "cli/output/colour.h"

#include <array>

namespace roost::cli {
namespace {

std::string_view code_of(Colour colour) {
  switch (colour) {
    case Colour::none:
      return "";
    case Colour::dim:
      return "\x1b[2m";
    case Colour::bold:
      return "\x1b[1m";
    case Colour::red:
      return "\x1b[31m";
    case Colour::green:
      return "\x1b[32m";
    case Colour::yellow:
      return "\x1b[33m";
    case Colour::blue:
      return "\x1b[34m";
    case Colour::magenta:
      return "\x1b[35m";
    case Colour::cyan:
      return "\x1b[36m";
  }
  return "";
}

}  // namespace

Colour colour_of(model::State state) {
  switch (state) {
    case model::State::online:
      return Colour::green;
    case model::State::launching:
      return Colour::blue;
    case model::State::stopping:
    case model::State::waiting:
      return Colour::yellow;
    case model::State::errored:
      return Colour::red;
    case model::State::stopped:
      return Colour::dim;
  }
  return Colour::none;
}

Colour colour_for_name(std::string_view name) {
  constexpr std::array kPalette{Colour::cyan, Colour::green, Colour::magenta, Colour::blue,
                                Colour::yellow};
  std::uint32_t hash = 2166136261U;
  for (const char c : name)
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return kPalette[hash % kPalette.size()];
}

std::string paint(std::string_view text, Colour colour, Colouring enabled) {
  if (enabled == Colouring::off || colour == Colour::none) return std::string(text);
  std::string out(code_of(colour));
  out.append(text);
  out.append("\x1b[0m");
  return out;
}

}  // namespace roost::cli
