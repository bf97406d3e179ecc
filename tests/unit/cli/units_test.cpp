#include "cli/output/units.h"

#include <doctest/doctest.h>

namespace roost::cli {

TEST_CASE("units: durations are read as people write them") {
  const auto ms = [](std::string_view text) {
    const auto parsed = parse_duration(text);
    return parsed ? to_ms(*parsed) : -1;
  };
  CHECK(ms("1600") == 1600);
  CHECK(ms("500ms") == 500);
  CHECK(ms("10s") == 10'000);
  CHECK(ms("1.5s") == 1500);
  CHECK(ms("2m") == 120'000);
  CHECK(ms("1h") == 3'600'000);
  CHECK(ms("1d") == 86'400'000);
  CHECK(ms("0") == 0);
}

TEST_CASE("units: what is no duration is refused") {
  for (const char* text : {"", "s", "-5", "+5", "10x", "1.2.3s", "1e3", ".", "10 s", "s10", "inf",
                           "99999999999999999999d"})
    CHECK_MESSAGE(!parse_duration(text), text);
}

TEST_CASE("units: a refused duration says what to write") {
  const auto parsed = parse_duration("10x");
  REQUIRE(!parsed);
  CHECK(parsed.error().code == Errc::invalid);
  CHECK(parsed.error().message == "'10x' is not a duration");
  CHECK(parsed.error().hint.find("500ms") != std::string::npos);
}

TEST_CASE("units: counts have limits") {
  CHECK(*parse_count("7", 1, 10) == 7);
  for (const char* text : {"", "0", "11", "7x", "-1", " 7", "99999999999"})
    CHECK_MESSAGE(!parse_count(text, 1, 10), text);
}

TEST_CASE("units: durations are written with at most two units") {
  CHECK(format_duration(0s) == "0ms");
  CHECK(format_duration(12ms) == "12ms");
  CHECK(format_duration(1500ms) == "1.5s");
  CHECK(format_duration(10500ms) == "10s");
  CHECK(format_duration(185s) == "3m 5s");
  CHECK(format_duration(180s) == "3m");
  CHECK(format_duration(4h + 12min + 3s) == "4h 12m");
  CHECK(format_duration(219h) == "9d 3h");
  CHECK(format_duration(-5s) == "0ms");
}

TEST_CASE("units: ages have one unit") {
  CHECK(format_age(800ms) == "800ms");
  CHECK(format_age(59s) == "59s");
  CHECK(format_age(60s) == "1m");
  CHECK(format_age(3599s) == "59m");
  CHECK(format_age(47h) == "1d");
}

TEST_CASE("units: sizes are in powers of 1024") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1024) == "1 KB");
  CHECK(format_bytes(831'488) == "812 KB");
  CHECK(format_bytes(45'613'056) == "43.5 MB");
  CHECK(format_bytes(157'286'400) == "150 MB");
  CHECK(format_bytes(1'288'490'189) == "1.2 GB");
  CHECK(format_bytes(~0ULL) == "16777216 TB");
}

TEST_CASE("units: percentages keep a digit while it says something") {
  CHECK(format_percent(0) == "0.0%");
  CHECK(format_percent(0.34) == "0.3%");
  CHECK(format_percent(99.96) == "100%");
  CHECK(format_percent(250.4) == "250%");
  CHECK(format_percent(-1) == "0.0%");
}

}  // namespace roost::cli
