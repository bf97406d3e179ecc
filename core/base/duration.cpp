#include "core/base/duration.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace roost {
namespace {

struct DurationUnit {
  std::string_view suffix;
  Duration length;
};

constexpr std::array<DurationUnit, 6> kDurationUnits{
    {{"", 1ms}, {"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}, {"d", 24h}}};

Error bad_duration(std::string_view text) {
  return {Errc::invalid, "'" + std::string(text) + "' is not a duration",
          "write milliseconds, or a number with ms, s, m, h or d: 1600, 500ms, 10s, 2m"};
}

// Digits with at most one point; no sign, no exponent.
bool is_plain_number(std::string_view text) {
  return !text.empty() && text != "." && text.find_first_not_of("0123456789.") == text.npos &&
         text.find('.') == text.rfind('.');
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const auto split = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto number = text.substr(0, split);
  const auto suffix = text.substr(split);
  if (!is_plain_number(number)) return bad_duration(text);
  for (const auto& unit : kDurationUnits) {
    if (unit.suffix != suffix) continue;
    double value = 0;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value);
    const double total = value * static_cast<double>(unit.length.count());
    if (parsed.ec != std::errc{} || total > 9e18) return bad_duration(text);
    return Duration(static_cast<Duration::rep>(std::llround(total)));
  }
  return bad_duration(text);
}

}  // namespace roost
