#include "core/model/time_zone.h"

#include <ctime>
#include <string>

#include <doctest/doctest.h>

#include "core/base/zone_file.h"

using namespace roost;
using namespace roost::model;

TEST_CASE("time zone: a rule") {
  const auto zone = TimeZone::from_rule("CET-1CEST,M3.5.0,M10.5.0/3");
  REQUIRE(zone);
  CHECK(zone->at(1'768'000'000).offset == 3600);  // January 2026
  const auto summer = zone->at(1'783'000'000);    // July 2026
  CHECK(summer.offset == 7200);
  CHECK(summer.offset_before == 3600);
  CHECK(summer.begin == 1'774'746'000);  // 29 March, 01:00 UTC
  CHECK(summer.end == 1'792'890'000);    // 25 October, 01:00 UTC
  CHECK(TimeZone::from_rule("<-03>3")->at(0).offset == -3 * 3600);
  CHECK(TimeZone::from_rule("EST5EDT4:30,J60/1,300/-1:30")->at(1'783'000'000).offset == -16'200);
  for (const char* text :
       {"", "X", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.1.0,M1.1.0",
        "CET-1CEST,M3.5.0,M10.5.0/3x", "<>1", "CET+200"}) {
    CAPTURE(text);
    CHECK_FALSE(TimeZone::from_rule(text));
  }
}

TEST_CASE("time zone: files agree with the C library, hour by hour") {
  for (const char* name : {"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Europe/Dublin",
                           "Australia/Lord_Howe", "Africa/Casablanca", "UTC"}) {
    const auto bytes = read_zone_file(name);
    if (!bytes) continue;  // a machine without tzdata
    const auto zone = TimeZone::from_tzif(*bytes);
    REQUIRE_MESSAGE(zone, name);
    ::setenv("TZ", (std::string(":") + name).c_str(), 1);
    ::tzset();
    for (std::time_t at = 0; at < 3'000'000'000; at += 7 * 3600 + 1) {
      std::tm tm{};
      ::localtime_r(&at, &tm);
      const auto span = zone->at(at);
      if (span.offset != tm.tm_gmtoff || at < span.begin || at >= span.end) {
        FAIL_CHECK(name << " at " << at << ": " << span.offset << " is not " << tm.tm_gmtoff);
        break;
      }
    }
  }
  ::unsetenv("TZ");
  ::tzset();
}

TEST_CASE("time zone: what is no such file is refused, cut off at any byte too") {
  CHECK_FALSE(TimeZone::from_tzif(""));
  CHECK_FALSE(TimeZone::from_tzif("TZif2"));
  const auto bytes = read_zone_file("Europe/Berlin");
  if (!bytes) return;
  for (std::size_t size = 0; size < bytes->size(); ++size)
    REQUIRE_FALSE(TimeZone::from_tzif(std::string_view(*bytes).substr(0, size)));
}

TEST_CASE("time zone: names stay below the directory of zones") {
  for (const char* name :
       {"", "/etc/passwd", "../passwd", "Europe/../../x", "No/Such_Zone", "a b"}) {
    CAPTURE(name);
    CHECK_FALSE(read_zone_file(name));
  }
}
