// Jobs against a clock that is told: across both changes of the clock in a year, over gaps, and
// with a wall clock that is set.
#include "core/model/job_schedule.h"

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::model;

namespace {

constexpr auto kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";

TimeZone zone(const char* rule) {
  auto made = TimeZone::from_rule(rule);
  REQUIRE(made);
  return *made;
}

// "2026-03-29 01:30" in UTC.
std::int64_t utc(const char* text) {
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  REQUIRE(std::sscanf(text, "%d-%d-%d %d:%d:%d", &y, &mo, &d, &h, &mi, &s) >= 5);
  const auto date = std::chrono::sys_days(std::chrono::year(y) / mo / d);
  return date.time_since_epoch().count() * 86'400 + h * 3600 + mi * 60 + s;
}

using List = std::vector<std::string>;

// A job on a simulated machine: the clock on the wall and the time that really passes are apart.
struct Machine {
  Machine(const char* cron, const char* now, AppSpec what = {})
      : schedule(*Cron::parse(cron)), where(zone(kBerlin)), spec(std::move(what)), wall(utc(now)) {
    look(JobMoment::watched);
  }

  void look(JobMoment moment) {
    const JobLook found = look_at(schedule, where, spec, until, wall, moment);
    until = found.until;
    due = found.next;
    CHECK(due > until);
    if (!found.comes) return;
    const bool busy = wall < busy_until;
    switch (turn_of(spec.overlap, busy)) {
      case JobTurn::skip:
        ++skipped;
        return;
      case JobTurn::queue:
        queued = true;
        return;
      case JobTurn::start:
      case JobTurn::replace:
        return run();
    }
  }

  void run() {
    ran.push_back(shown_time(wall, where));
    busy_until = wall + takes;
    queued = false;
  }

  // Looks when it is due, as the daemon's timer does, and at the end of a run.
  void pass(const char* to) {
    const std::int64_t end = utc(to);
    while (true) {
      std::int64_t next = due;
      if (queued) next = std::min(next, std::max(busy_until, wall));
      if (next > end) break;
      wall = std::max(wall, next);
      if (queued && wall >= busy_until) run();
      look(JobMoment::watched);
    }
    wall = end;
  }

  void set_clock(const char* to) {
    busy_until += utc(to) - wall;  // runs do not mind
    wall = utc(to);
    look(JobMoment::clock_was_set);
  }

  // Nobody watches meanwhile: the machine, or the daemon, is off.
  void off_until(const char* to) {
    wall = utc(to);
    look(JobMoment::watched);
  }

  Cron schedule;
  TimeZone where;
  AppSpec spec;
  std::int64_t wall;
  std::int64_t until = 0;
  std::int64_t due = 0;
  std::int64_t takes = 10;
  std::int64_t busy_until = 0;
  int skipped = 0;
  bool queued = false;
  List ran;
};

AppSpec with(JobOverlap overlap, bool catch_up = false) {
  AppSpec spec;
  spec.job = true;
  spec.overlap = overlap;
  spec.catch_up = catch_up;
  return spec;
}

}  // namespace

TEST_CASE("job: overlap skip runs exactly when it should when the clock goes forwards in spring") {
  // 2026-03-29 02:00 +01:00 is 03:00 +02:00; 02:30 does not exist that day.
  Machine machine("30 2 * * *", "2026-03-27 12:00", with(JobOverlap::skip));
  machine.pass("2026-03-30 12:00");
  CHECK(machine.ran == List{"2026-03-28 02:30:00 +01:00", "2026-03-29 03:00:00 +02:00",
                            "2026-03-30 02:30:00 +02:00"});
  CHECK(machine.skipped == 0);
}

TEST_CASE("job: overlap skip runs exactly when it should when the clock goes back in autumn") {
  // 2026-10-25 03:00 +02:00 is 02:00 +01:00; 02:30 comes twice that day.
  Machine machine("30 2 * * *", "2026-10-23 12:00", with(JobOverlap::skip));
  machine.pass("2026-10-26 12:00");
  CHECK(machine.ran == List{"2026-10-24 02:30:00 +02:00", "2026-10-25 02:30:00 +02:00",
                            "2026-10-26 02:30:00 +01:00"});
  CHECK(machine.skipped == 0);
}

TEST_CASE("job: overlap skip with runs of 50 minutes and a time each half hour, both nights") {
  AppSpec spec = with(JobOverlap::skip);
  Machine spring("*/30 * * * *", "2026-03-28 23:45", spec);
  spring.takes = 50 * 60;
  spring.pass("2026-03-29 02:45");
  CHECK(spring.ran == List{"2026-03-29 01:00:00 +01:00", "2026-03-29 03:00:00 +02:00",
                           "2026-03-29 04:00:00 +02:00"});
  CHECK(spring.skipped == 3);
  Machine autumn("*/30 * * * *", "2026-10-24 23:45", spec);
  autumn.takes = 50 * 60;
  autumn.pass("2026-10-25 02:15");
  CHECK(autumn.ran == List{"2026-10-25 02:00:00 +02:00", "2026-10-25 02:00:00 +01:00",
                           "2026-10-25 03:00:00 +01:00"});
  CHECK(autumn.skipped == 2);
}

TEST_CASE("job: a long run skips the hour that autumn shows twice once per real hour") {
  Machine machine("0 * * * *", "2026-10-24 22:30", with(JobOverlap::skip));
  machine.takes = 90 * 60;
  machine.pass("2026-10-25 03:30");
  CHECK(machine.ran == List{"2026-10-25 01:00:00 +02:00", "2026-10-25 02:00:00 +01:00",
                            "2026-10-25 04:00:00 +01:00"});
  CHECK(machine.skipped == 2);
}

TEST_CASE("job: overlap queue makes up once, at the end of the run, for all that came meanwhile") {
  Machine machine("*/10 * * * *", "2026-06-01 10:05", with(JobOverlap::queue));
  machine.takes = 35 * 60;
  machine.pass("2026-06-01 10:46");
  CHECK(machine.ran == List{"2026-06-01 12:10:00 +02:00", "2026-06-01 12:45:00 +02:00"});
}

TEST_CASE("job: overlap kill runs at each of its times") {
  Machine machine("*/10 * * * *", "2026-06-01 10:05", with(JobOverlap::kill));
  machine.takes = 35 * 60;
  machine.pass("2026-06-01 10:31");
  CHECK(machine.ran.size() == 3);
}

TEST_CASE("job: a daemon that was away for a moment runs what came meanwhile, once") {
  Machine machine("0 3 * * *", "2026-06-01 00:59", with(JobOverlap::skip));
  machine.off_until("2026-06-01 01:03");
  CHECK(machine.ran == List{"2026-06-01 03:03:00 +02:00"});
  machine.off_until("2026-06-01 01:04");
  CHECK(machine.ran.size() == 1);
  Machine often("* * * * * *", "2026-06-01 10:00", with(JobOverlap::skip));
  often.off_until("2026-06-01 10:00:03");
  CHECK(often.ran == List{"2026-06-01 12:00:03 +02:00"});
}

TEST_CASE("job: what came while the machine was off is caught up with once, and only if wanted") {
  for (const bool catch_up : {false, true}) {
    Machine machine("0 3 * * *", "2026-06-01 12:00", with(JobOverlap::skip, catch_up));
    machine.off_until("2026-06-05 09:00");
    CHECK(machine.ran == (catch_up ? List{"2026-06-05 11:00:00 +02:00"} : List{}));
    machine.pass("2026-06-06 12:00");
    CHECK(machine.ran.back() == "2026-06-06 03:00:00 +02:00");
  }
}

TEST_CASE("job: nothing to catch up with when no time has come") {
  Machine machine("0 3 * * *", "2026-06-01 12:00", with(JobOverlap::skip, true));
  machine.off_until("2026-06-02 00:30");
  CHECK(machine.ran.empty());
}

TEST_CASE("job: a new job does not catch up with times before it was there") {
  Machine machine("0 3 * * *", "2026-06-01 12:00", with(JobOverlap::skip, true));
  CHECK(machine.ran.empty());
  CHECK(machine.due == utc("2026-06-02 01:00"));
}

TEST_CASE("job: a clock that is put forward over its time loses no run") {
  Machine machine("0 3 * * *", "2026-06-01 00:30", with(JobOverlap::skip));
  machine.set_clock("2026-06-01 02:00");
  CHECK(machine.ran == List{"2026-06-01 04:00:00 +02:00"});
  machine.set_clock("2026-06-01 00:40");  // and back again
  machine.pass("2026-06-01 03:00");
  CHECK(machine.ran.size() == 1);
}

TEST_CASE("job: a clock that is put back over its time brings it no second time") {
  Machine machine("0 3 * * *", "2026-06-01 00:30", with(JobOverlap::skip));
  machine.pass("2026-06-01 01:30");
  REQUIRE(machine.ran.size() == 1);
  machine.set_clock("2026-06-01 00:30");
  machine.pass("2026-06-01 12:00");
  CHECK(machine.ran.size() == 1);
  machine.pass("2026-06-02 12:00");
  CHECK(machine.ran.size() == 2);
}

TEST_CASE("job: small steps of the clock at its time neither lose nor double a run") {
  Machine machine("*/5 * * * *", "2026-06-01 10:02", with(JobOverlap::skip));
  machine.pass("2026-06-01 10:05");
  REQUIRE(machine.ran.size() == 1);
  for (int i = 0; i < 3; ++i) {
    machine.set_clock("2026-06-01 10:04:58");
    machine.set_clock("2026-06-01 10:05:01");
  }
  CHECK(machine.ran.size() == 1);
  machine.pass("2026-06-01 10:10");
  CHECK(machine.ran.size() == 2);
}

TEST_CASE(
    "job: one that runs every minute does not stand still when the clock is put back an hour") {
  Machine machine("* * * * *", "2026-06-01 10:00:30", with(JobOverlap::skip));
  machine.pass("2026-06-01 10:01:30");
  machine.set_clock("2026-06-01 09:01:30");
  machine.pass("2026-06-01 09:03:30");
  CHECK(machine.ran == List{"2026-06-01 12:01:00 +02:00", "2026-06-01 11:02:00 +02:00",
                            "2026-06-01 11:03:00 +02:00"});
}

TEST_CASE(
    "job: a clock that was years wrong at the boot counts anew, with nothing lost to catch up") {
  Machine machine("0 3 * * *", "2026-06-01 12:00", with(JobOverlap::skip, true));
  const std::int64_t known = machine.until;
  machine.off_until("1970-01-01 00:10");
  CHECK(machine.ran.empty());
  machine.set_clock("2026-06-01 18:00");
  CHECK(machine.ran.size() <= 1);
  CHECK(machine.until >= known);
  machine.pass("2026-06-02 12:00");
  CHECK(machine.ran.back() == "2026-06-02 03:00:00 +02:00");
}

TEST_CASE("job: a time is shown with its offset") {
  CHECK(shown_time(utc("2026-01-01 00:00"), TimeZone()) == "2026-01-01 00:00:00 +00:00");
  CHECK(shown_time(utc("2026-01-01 00:00"), zone("NST3:30")) == "2025-12-31 20:30:00 -03:30");
  CHECK(shown_time(TimeZone::kForever, TimeZone()) == "never");
}
