#include "core/model/cron.h"

#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::model;

namespace {

constexpr auto kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";
constexpr auto kNewYork = "EST5EDT,M3.2.0,M11.1.0";

TimeZone zone(const char* rule) {
  auto made = TimeZone::from_rule(rule);
  REQUIRE(made);
  return *made;
}

// "2026-03-29 01:30:00" in UTC.
std::int64_t utc(const char* text) {
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  REQUIRE(std::sscanf(text, "%d-%d-%d %d:%d:%d", &y, &mo, &d, &h, &mi, &s) >= 5);
  const auto date = std::chrono::sys_days(std::chrono::year(y) / mo / d);
  return date.time_since_epoch().count() * 86'400 + h * 3600 + mi * 60 + s;
}

std::string text_of(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm tm{};
  ::gmtime_r(&time, &tm);
  char text[32];
  std::strftime(text, sizeof text, "%F %T", &tm);
  return text;
}

// The first `count` times after `from`, in UTC.
std::vector<std::string> times(const char* cron, const TimeZone& where, const char* from,
                               int count) {
  auto parsed = Cron::parse(cron);
  REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().message));
  std::vector<std::string> out;
  std::int64_t at = utc(from);
  for (int i = 0; i < count; ++i)
    out.push_back(text_of(at = parsed->next(at, where)));
  return out;
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("cron: five fields, six fields, steps, lists, ranges and names") {
  const TimeZone z;
  CHECK(times("30 3 * * *", z, "2026-11-28 03:30", 2) ==
        List{"2026-11-29 03:30:00", "2026-11-30 03:30:00"});
  CHECK(times("*/20 * * * * *", z, "2026-11-28 03:59:30", 3) ==
        List{"2026-11-28 03:59:40", "2026-11-28 04:00:00", "2026-11-28 04:00:20"});
  CHECK(times("5/25 8-9,20 * * *", z, "2026-11-28 08:30", 3) ==
        List{"2026-11-28 08:55:00", "2026-11-28 09:05:00", "2026-11-28 09:30:00"});
  CHECK(times("0 0 * JAN,dec Mon-Wed", z, "2026-11-28 00:00", 4) ==
        List{"2026-12-01 00:00:00", "2026-12-02 00:00:00", "2026-12-07 00:00:00",
             "2026-12-08 00:00:00"});
  CHECK(times("0 0 29 2 *", z, "2096-03-01 00:00", 1) == List{"2104-02-29 00:00:00"});
  CHECK(times("0 12 * * 7", z, "2026-11-28 00:00", 1) == List{"2026-11-29 12:00:00"});
}

TEST_CASE("cron: the day of the month or that of the week, when both are given") {
  CHECK(times("0 0 13 * 5", TimeZone(), "2026-11-28 00:00", 4) ==
        List{"2026-12-04 00:00:00", "2026-12-11 00:00:00", "2026-12-13 00:00:00",
             "2026-12-18 00:00:00"});
  CHECK(times("0 0 */2 * 5", TimeZone(), "2026-11-28 00:00", 2) ==
        List{"2026-12-11 00:00:00", "2026-12-25 00:00:00"});
}

TEST_CASE("cron: words for the usual ones") {
  const TimeZone z;
  CHECK(times("@hourly", z, "2026-11-28 03:30", 1) == List{"2026-11-28 04:00:00"});
  CHECK(times("@Daily", z, "2026-11-28 03:30", 1) == List{"2026-11-29 00:00:00"});
  CHECK(times("@weekly", z, "2026-11-28 03:30", 1) == List{"2026-11-29 00:00:00"});
  CHECK(times("@monthly", z, "2026-11-28 03:30", 1) == List{"2026-12-01 00:00:00"});
  CHECK(times("@yearly", z, "2026-11-28 03:30", 1) == List{"2027-01-01 00:00:00"});
}

TEST_CASE("cron: what makes no sense says what") {
  const auto message = [](const char* text) { return Cron::parse(text).error().message; };
  CHECK(message("* * *") ==
        "'* * *' has 3 fields instead of five, or six with the seconds in front");
  CHECK(message("60 * * * *") == "'60' is no minute, which goes from 0 to 59");
  CHECK(message("* * * foo *") == "'foo' is no month, which goes from 1 to 12");
  CHECK(message("*/0 * * * *") == "'*/0' has no step from 1 to 59 behind its '/'");
  CHECK(message("5-1 * * * *") == "'5-1' goes backwards");
  CHECK(message("0 0 30 2 *") == "'0 0 30 2 *' names a day that never comes");
  CHECK(message("@reboot") == "'@reboot' is unknown");
  for (const char* text : {"", " ", "1, * * * *", "-1 * * * *", "1-2-3 * * * *", "* * * * * * *",
                           "*/ * * * *", "a * * * *", "1/2/3 * * * *"}) {
    CAPTURE(text);
    CHECK_FALSE(Cron::parse(text));
  }
}

TEST_CASE("cron: a time that the clock leaps over comes once, at the leap") {
  // Berlin, 29 March 2026: 02:00 CET (01:00 UTC) becomes 03:00 CEST.
  const TimeZone berlin = zone(kBerlin);
  CHECK(times("30 2 * * *", berlin, "2026-03-28 00:00", 3) ==
        List{"2026-03-28 01:30:00", "2026-03-29 01:00:00", "2026-03-30 00:30:00"});
  CHECK(times("*/10 2 * * *", berlin, "2026-03-29 00:00", 2) ==
        List{"2026-03-29 01:00:00", "2026-03-30 00:00:00"});
  CHECK(times("0 3 * * *", berlin, "2026-03-29 00:00", 2) ==
        List{"2026-03-29 01:00:00", "2026-03-30 01:00:00"});
  // 02:30 and 03:00 fall together.
  CHECK(times("0,30 2,3 * * *", berlin, "2026-03-29 00:00", 3) ==
        List{"2026-03-29 01:00:00", "2026-03-29 01:30:00", "2026-03-30 00:00:00"});
  CHECK(times("0 */2 * * *", zone(kNewYork), "2026-03-08 05:00", 3) ==
        List{"2026-03-08 07:00:00", "2026-03-08 08:00:00", "2026-03-08 10:00:00"});
}

TEST_CASE("cron: a time that the clock shows twice comes once, the first time") {
  // Berlin, 25 October 2026: 03:00 CEST (01:00 UTC) becomes 02:00 CET.
  const TimeZone berlin = zone(kBerlin);
  CHECK(times("30 2 * * *", berlin, "2026-10-24 12:00", 2) ==
        List{"2026-10-25 00:30:00", "2026-10-26 01:30:00"});
  CHECK(times("0 3 * * *", berlin, "2026-10-24 12:00", 2) ==
        List{"2026-10-25 02:00:00", "2026-10-26 02:00:00"});
  CHECK(times("*/30 2-3 * * *", berlin, "2026-10-24 12:00", 5) ==
        List{"2026-10-25 00:00:00", "2026-10-25 00:30:00", "2026-10-25 02:00:00",
             "2026-10-25 02:30:00", "2026-10-26 01:00:00"});
  // Asked in the middle of the second showing.
  CHECK(times("30 2 * * *", berlin, "2026-10-25 01:10", 1) == List{"2026-10-26 01:30:00"});
}

TEST_CASE("cron: one for every hour goes by the time that passes") {
  const TimeZone berlin = zone(kBerlin);
  CHECK(times("30 * * * *", berlin, "2026-03-29 00:00", 3) ==
        List{"2026-03-29 00:30:00", "2026-03-29 01:30:00", "2026-03-29 02:30:00"});
  CHECK(times("30 * * * *", berlin, "2026-10-25 00:00", 3) ==
        List{"2026-10-25 00:30:00", "2026-10-25 01:30:00", "2026-10-25 02:30:00"});
}

TEST_CASE("cron: never back, never the same time twice, over two years in several zones") {
  for (const char* rule : {kBerlin, kNewYork, "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
                           "IST-1GMT0,M10.5.0,M3.5.0/1", "UTC0"}) {
    for (const char* text : {"*/7 * * * *", "30 1,2,3 * * *", "0 0 * * *", "59 23 * * 0"}) {
      CAPTURE(rule);
      CAPTURE(text);
      const auto cron = Cron::parse(text);
      REQUIRE(cron);
      const TimeZone where = zone(rule);
      std::int64_t at = utc("2026-01-01 00:00");
      while (at < utc("2028-01-01 00:00")) {
        const std::int64_t next = cron->next(at, where);
        REQUIRE(next > at);
        at = next;
      }
    }
  }
}

TEST_CASE("cron: a clock put back a little brings no time twice, one put back far is believed") {
  const auto cron = Cron::parse("0 * * * *");
  REQUIRE(cron);
  const TimeZone z;
  const std::int64_t due = utc("2026-11-28 12:00");
  CHECK(next_due(*cron, z, due - 1, due) == utc("2026-11-28 13:00"));
  CHECK(next_due(*cron, z, due - 2 * 3600, due) == utc("2026-11-28 13:00"));
  CHECK(next_due(*cron, z, due - 4 * 3600, due) == utc("2026-11-28 09:00"));
  CHECK(next_due(*cron, z, due + 86'400, due) == utc("2026-11-29 13:00"));
  CHECK(next_due(*cron, z, due - 1, 0) == due);
}
