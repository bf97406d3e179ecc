#include "core/base/bytes.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace roost {
namespace {

constexpr std::string_view kUnits = "KMGT";

Error bad_size(std::string_view text) {
  return {Errc::invalid, "'" + std::string(text) + "' is not a size",
          "write bytes, or a number with K, M, G or T: 300M, 1.5G"};
}

}  // namespace

Result<std::uint64_t> parse_bytes(std::string_view text) {
  const auto split = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, split);
  std::string_view suffix = text.substr(split);
  if (suffix.starts_with(' ')) suffix.remove_prefix(1);
  double factor = 1;
  if (!suffix.empty()) {
    const char letter =
        suffix.front() >= 'a' ? static_cast<char>(suffix.front() - 'a' + 'A') : suffix.front();
    if (const auto power = kUnits.find(letter); power != kUnits.npos) {
      factor = std::ldexp(1.0, 10 * static_cast<int>(power + 1));
      suffix.remove_prefix(1);
      if (suffix.starts_with('i')) suffix.remove_prefix(1);
    }
    if (suffix != "" && suffix != "B" && suffix != "b") return bad_size(text);
  }
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  const bool whole = error == std::errc{} && end == number.data() + number.size();
  if (!whole || number.front() == '.' || value * factor > 9e15) return bad_size(text);
  return static_cast<std::uint64_t>(std::llround(value * factor));
}

std::string bytes_in_words(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
  std::size_t unit = 0;
  double value = static_cast<double>(bytes) / 1024;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  const bool tenths = value < 10 && std::llround(value * 10) % 10 != 0;
  std::string text = std::to_string(std::llround(tenths ? value * 10 : value));
  if (tenths) text.insert(text.size() - 1, ".");
  return text + " " + kUnits[unit] + "B";
}

}  // namespace roost
