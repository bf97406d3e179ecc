// TimeZone: what a clock on the wall shows, for schedules. Made from the bytes of a TZif file (RFC
// 8536: /usr/share/zoneinfo) or from a rule as in TZ ("CET-1CEST,M3.5.0,M10.5.0/3"); whoever has
// the file reads it.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace roost::model {

class TimeZone {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

  // A stretch of time with one offset. Seconds since the Unix epoch; offsets are seconds east.
  struct Span {
    std::int64_t begin = kNever;
    std::int64_t end = kForever;  // exclusive
    std::int32_t offset = 0;
    std::int32_t offset_before = 0;  // before `begin`
  };

  TimeZone() = default;  // UTC
  [[nodiscard]] static Result<TimeZone> from_tzif(std::string_view bytes);
  [[nodiscard]] static Result<TimeZone> from_rule(std::string_view text);

  [[nodiscard]] Span at(std::int64_t seconds) const;

 private:
  struct Change {
    std::int64_t at = 0;
    std::int32_t offset = 0;  // from then on
  };

  // The day of a year on which the clock is changed, in the three ways of TZ.
  struct Day {
    enum class Kind : std::uint8_t { month, julian, zero_based } kind = Kind::month;
    int month = 0;
    int week = 0;
    int weekday = 0;
    int day = 0;
    std::int32_t time = 7200;  // seconds after midnight, of the offset before
  };

  struct Rule {
    std::int32_t standard = 0;
    std::int32_t summer = 0;
    bool has_summer = false;
    Day begins;
    Day ends;
  };

  class RuleReader;
  class FileReader;
  static std::int64_t local_seconds(const Day& day, int year);
  [[nodiscard]] std::array<Change, 2> changes_of(int year) const;
  [[nodiscard]] Span at_by_rule(std::int64_t seconds, std::int32_t offset_before,
                                std::int64_t begin) const;

  std::int32_t first_ = 0;       // before the first change
  std::vector<Change> changes_;  // ascending
  std::optional<Rule> rule_;     // after the last change; none: as it was last
};

}  // namespace roost::model
