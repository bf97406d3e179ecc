#include "cli/output/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

namespace roost::cli {

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
