#include "cli/output/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

namespace roost::cli {
namespace {

struct DurationUnit {
  std::string_view suffix;
  Duration length;
};

constexpr std::array<DurationUnit, 6> kDurationUnits{
    {{"", 1ms}, {"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}, {"d", 24h}}};

Error bad_duration(std::string_view text) {
  return {Errc::invalid, fmt::format("'{}' is not a duration", text),
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

Result<std::uint32_t> parse_count(std::string_view text, std::uint32_t low, std::uint32_t high) {
  std::uint32_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || value < low ||
      value > high) {
    return Error{Errc::invalid,
                 fmt::format("'{}' is not a whole number from {} to {}", text, low, high),
                 {}};
  }
  return value;
}

std::string format_duration(Duration duration) {
  if (duration < 0s) duration = 0s;
  const auto ms = to_ms(duration);
  if (ms < 1000) return fmt::format("{}ms", ms);
  const auto s = ms / 1000;
  if (s < 10 && ms % 1000 >= 100) return fmt::format("{}.{}s", s, ms % 1000 / 100);
  const auto pair = [](auto big, const char* big_unit, auto small, const char* small_unit) {
    return small == 0 ? fmt::format("{}{}", big, big_unit)
                      : fmt::format("{}{} {}{}", big, big_unit, small, small_unit);
  };
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return pair(s / 60, "m", s % 60, "s");
  if (s < 86400) return pair(s / 3600, "h", s / 60 % 60, "m");
  return pair(s / 86400, "d", s / 3600 % 24, "h");
}

// std::to_string and append, not fmt::format: these are called for every cell of a long list.
std::string format_age(Duration duration) {
  if (duration < 0s) duration = 0s;
  const auto ms = to_ms(duration);
  if (ms < 1000) return std::to_string(ms) + "ms";
  const auto s = ms / 1000;
  if (s < 60) return std::to_string(s) + "s";
  if (s < 3600) return std::to_string(s / 60) + "m";
  if (s < 86400) return std::to_string(s / 3600) + "h";
  return std::to_string(s / 86400) + "d";
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{" B", " KB", " MB", " GB", " TB"};
  if (bytes < 1024) return std::to_string(bytes) + kUnits[0];
  std::size_t unit = 1;
  std::uint64_t scale = 1024;
  while (unit + 1 < kUnits.size() && bytes >= scale * 1024) {
    scale *= 1024;
    ++unit;
  }
  // Integer tenths, rounded: floating point would pull in its formatter for nothing.
  const auto tenths = bytes / scale * 10 + (bytes % scale * 10 + scale / 2) / scale;
  if (tenths >= 1000 || unit == 1) return std::to_string((tenths + 5) / 10) + kUnits[unit];
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + kUnits[unit];
}

std::string format_percent(double percent) {
  if (!(percent > 0)) return "0.0%";
  const auto tenths = std::llround(std::min(percent, 1e9) * 10);
  if (tenths >= 1000) return std::to_string(tenths / 10) + "%";
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + "%";
}

std::string format_wall(WallMs when) {
  if (when == 0) return "-";
  const auto seconds = static_cast<std::time_t>(when / 1000);
  std::tm local{};
  if (::localtime_r(&seconds, &local) == nullptr) return "-";
  std::array<char, 32> text{};
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local);
  return {text.data(), size};
}

}  // namespace roost::cli
