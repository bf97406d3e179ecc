// When jobs run: what their schedule, the clock and their last run make of a moment. Pure.
//
// On record is how far a job's times have been dealt with; everything follows from that. So no time
// comes twice, whatever happens to the daemon or to the clock on the wall, and none is forgotten.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/time.h"
#include "core/model/app_spec.h"
#include "core/model/cron.h"
#include "core/model/time_zone.h"

namespace roost::model {

// What a look at a job's times has found. Seconds since the Unix epoch.
struct JobLook {
  bool comes = false;      // one of its times is there
  std::int64_t until = 0;  // its times up to here have been dealt with
  std::int64_t next = 0;   // the first one after that
};

// Why one looks; it decides how late a time may be and still count as in time.
enum class JobMoment : std::uint8_t {
  watched,       // time has passed, or the daemon was away for a moment: 5 min
  clock_was_set  // forwards, it may be: what a clock leaps over within 3 h
};

// `until`: as last found, or 0: nothing is known, and its times count from now on. Times that are
// later than `moment` allows come to nothing, or with spec.catch_up to one run. A clock that was
// put back brings no time twice; one that was put back by more than 3 h (by more than 5 min where
// the schedule is for every hour, which would otherwise stand still) was wrong before.
[[nodiscard]] JobLook look_at(const Cron& cron, const TimeZone& zone, const AppSpec& spec,
                              std::int64_t until, std::int64_t now, JobMoment moment);

enum class JobTurn : std::uint8_t { start, skip, queue, replace };
// What a job does whose time has come; `busy`: its last run is still there, or will be tried again.
[[nodiscard]] JobTurn turn_of(JobOverlap overlap, bool busy);

// What a clock in this zone shows: "2026-03-29 03:00:00 +02:00".
[[nodiscard]] std::string shown_time(std::int64_t seconds, const TimeZone& zone);

}  // namespace roost::model
