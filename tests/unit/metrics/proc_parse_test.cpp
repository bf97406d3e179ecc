#include "metrics/proc_parse.h"

#include <string>

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::metrics;

namespace {

// A line as Linux 6.1 prints it, with this name.
std::string stat_line(const std::string& name) {
  return "4711 (" + name +
         ") S 1 4710 4709 34816 4711 4194304 1542 20 3 0 1234 56 7 8 20 0 11 0 987654 723456000 "
         "4321 "
         "18446744073709551615 1 1 0 0 0 0 0 4096 134234626 0 0 0 17 3 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
}

}  // namespace

TEST_CASE("proc stat: every field is where it belongs") {
  const Result<ProcStat> stat = parse_stat(stat_line("node"));
  REQUIRE(stat.has_value());
  CHECK(stat->pid == 4711);
  CHECK(stat->name() == "node");
  CHECK(stat->state == 'S');
  CHECK(stat->ppid == 1);
  CHECK(stat->pgrp == 4710);
  CHECK(stat->session == 4709);
  CHECK(stat->user_ticks == 1234);
  CHECK(stat->system_ticks == 56);
  CHECK(stat->threads == 11);
  CHECK(stat->start_ticks == 987654);
  CHECK(stat->vsize_bytes == 723456000);
  CHECK(stat->rss_pages == 4321);
}

TEST_CASE("proc stat: a name may hold anything") {
  for (const char* name :
       {"", "a b", "x) R 2 3 (", "((", ")", "))) S 1 1 1", "tab\tnew\nline", "(sd-pam)"}) {
    CAPTURE(name);
    const Result<ProcStat> stat = parse_stat(stat_line(name));
    REQUIRE(stat.has_value());
    CHECK(stat->name() == name);
    CHECK(stat->start_ticks == 987654);
  }
}

TEST_CASE("proc stat: a longer name is cut, not overrun") {
  const Result<ProcStat> stat = parse_stat(stat_line(std::string(500, 'k')));
  REQUIRE(stat.has_value());
  CHECK(stat->name() == std::string(63, 'k'));
}

TEST_CASE("proc stat: memory below zero is none") {
  std::string line = stat_line("x");
  line.replace(line.find(" 4321 "), 6, " -3 ");
  CHECK(parse_stat(line)->rss_pages == 0);
}

TEST_CASE("proc stat: whatever is cut off or wrong is refused") {
  const std::string line = stat_line("node");
  const std::size_t needed = line.find(" 4321 ") + 5;
  for (std::size_t size = 0; size + 4 < needed; ++size) {
    CAPTURE(size);
    CHECK_FALSE(parse_stat(std::string_view(line).substr(0, size)).has_value());
  }
  for (const char* text : {"", "()", ")(", "1 (x)", "x (y) S 1", "-4 (x) S 1 1 1", "1 (x) SS 1 1 1",
                           "99999999999 (x) S"})
    CHECK_FALSE(parse_stat(text).has_value());
  std::string bad = line;
  bad.replace(bad.find("1234"), 4, "12x4");
  CHECK_FALSE(parse_stat(bad).has_value());
}

TEST_CASE("proc statm: its first three numbers") {
  const Result<ProcStatm> statm = parse_statm("176625 4321 1200 5 0 20000 0\n");
  REQUIRE(statm.has_value());
  CHECK(statm->size_pages == 176625);
  CHECK(statm->resident_pages == 4321);
  CHECK(statm->shared_pages == 1200);
  for (const char* text : {"", "1 2", "a b c", "-1 2 3"})
    CHECK_FALSE(parse_statm(text).has_value());
}
