// Cron: when a schedule comes round. Pure: the time and the zone are arguments.
//
// Five fields (minute, hour, day of the month, month, day of the week), or six with the seconds in
// front; "*", "1,2", "1-5", "*/10", "5/10", names of months and days; @hourly, @daily …, @yearly.
// As in every cron, a day counts when the day of the month or that of the week fits, if both are
// given.
//
// When the clock is changed: a schedule for certain hours comes once for each of its times; those
// that the clock leaps over come together at the leap, those that it shows twice come the first
// time. One for every hour goes by the time that really passes.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/result.h"
#include "core/model/time_zone.h"

namespace roost::model {

class Cron {
 public:
  [[nodiscard]] static Result<Cron> parse(std::string_view text);

  // The first second later than `after` (both since the Unix epoch) at which it is due.
  [[nodiscard]] std::int64_t next(std::int64_t after, const TimeZone& zone) const;

  // Whether it names no hours, and so goes by the time that really passes.
  [[nodiscard]] bool is_for_every_hour() const { return hours_.all(); }

 private:
  Cron() = default;
  Status set_fields(std::string_view text);
  [[nodiscard]] bool fits_day(std::int64_t day) const;
  [[nodiscard]] std::optional<std::int64_t> next_in_day(std::int64_t from) const;
  [[nodiscard]] std::optional<std::int64_t> next_shown(std::int64_t from) const;

  std::bitset<60> seconds_;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<8> weekdays_;  // 0 is Sunday
  bool any_day_ = true;      // the field begins with '*'
  bool any_weekday_ = true;
};

// When it is due after `now`, given what it was last due for (0: never). A clock that was put back
// a little does not bring the same time twice; one that was put back by more than 3 h was wrong
// before.
[[nodiscard]] std::int64_t next_due(const Cron& cron, const TimeZone& zone, std::int64_t now,
                                    std::int64_t last_due);

}  // namespace roost::model
