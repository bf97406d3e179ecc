#include "core/model/job_schedule.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace roost::model {
namespace {

constexpr std::int64_t kInTime = 5 * 60;
constexpr std::int64_t kLeap = 3 * 3600;

}  // namespace

JobLook look_at(const Cron& cron, const TimeZone& zone, const AppSpec& spec, std::int64_t until,
                std::int64_t now, JobMoment moment) {
  const std::int64_t put_back = cron.is_for_every_hour() ? kInTime : kLeap;
  if (until <= 0 || until > now + put_back) until = now;
  if (const std::int64_t first = cron.next(until, zone); first > now)
    return {.comes = false, .until = until, .next = first};
  const std::int64_t late = moment == JobMoment::clock_was_set ? kLeap : kInTime;
  const bool in_time = cron.next(std::max(until, now - late - 1), zone) <= now;
  return {.comes = in_time || spec.catch_up, .until = now, .next = cron.next(now, zone)};
}

JobTurn turn_of(JobOverlap overlap, bool busy) {
  if (!busy) return JobTurn::start;
  switch (overlap) {
    case JobOverlap::skip:
      return JobTurn::skip;
    case JobOverlap::queue:
      return JobTurn::queue;
    case JobOverlap::kill:
      return JobTurn::replace;
  }
  return JobTurn::skip;
}

std::string shown_time(std::int64_t seconds, const TimeZone& zone) {
  constexpr std::int64_t kDay = 86'400;
  if (seconds == TimeZone::kForever) return "never";
  const std::int64_t offset = zone.at(seconds).offset;
  const std::int64_t shown = seconds + offset;
  const std::int64_t day = shown / kDay - (shown % kDay < 0 ? 1 : 0);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  const auto second = static_cast<int>(shown - day * kDay);
  const auto east = static_cast<int>(std::abs(offset));
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d %c%02d:%02d",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), second / 3600, second / 60 % 60, second % 60,
                offset < 0 ? '-' : '+', east / 3600, east / 60 % 60);
  return text.data();
}

}  // namespace roost::model
