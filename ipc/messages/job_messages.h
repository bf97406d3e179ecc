// Replies about jobs.
#pragma once

#include "ipc/messages/app_messages.h"

namespace roost::ipc {

// One job.
struct JobInfo {
  InstanceInfo instance;
  std::string schedule;
  std::string timezone;
  std::int64_t next_ms = 0;
  std::string next;
  bool queued = false;
  std::uint32_t skipped = 0;
  std::optional<ExitInfo> last;
  std::string last_ended{};
  bool timed_out = false;
  static constexpr auto fields() {
    return std::tuple{req("instance", &JobInfo::instance, "the job; with pid and uptime_ms while it runs"),
                      opt("schedule", &JobInfo::schedule, "as given; empty: it runs on request"),
                      opt("timezone", &JobInfo::timezone, "as given; empty: the daemon's"),
                      opt("next_ms", &JobInfo::next_ms, "its next time, ms since the epoch; 0: none"),
                      opt("next", &JobInfo::next, "the same as a clock in its time zone shows it"),
                      opt("queued", &JobInfo::queued, "it runs once more when it is done (overlap queue)"),
                      opt("skipped", &JobInfo::skipped, "times since its last run began at which it was still running (overlap skip)"),
                      opt("last", &JobInfo::last, "its last run that has ended"),
                      opt("last_ended", &JobInfo::last_ended, "its end as a clock in the job's time zone shows it; empty: the zone is not known yet"),
                      opt("timed_out", &JobInfo::timed_out, "the last run was stopped, since it took longer than the job's timeout")};
  }
};

struct JobsReply {
  std::vector<JobInfo> jobs;
  static constexpr auto fields() { return std::tuple{req("jobs", &JobsReply::jobs, "by name")}; }
};

}  // namespace roost::ipc
