#include <fmt/format.h>

#include "cli/output/app_naming.h"
#include "cli/output/app_views.h"
#include "cli/output/table.h"
#include "cli/output/units.h"
#include "core/base/record_codec.h"

namespace roost::cli {
namespace {

using ipc::JobInfo;

Cell state_of(const JobInfo& job) {
  const auto& instance = job.instance;
  std::string word(codec::enum_name(instance.state));
  if (instance.pid != 0)
    word = "running for " + format_age(std::chrono::milliseconds(instance.uptime_ms));
  else if (instance.scheduled && instance.state == model::State::stopped)
    word = "ready";
  if (job.queued) word += ", once more queued";
  if (job.skipped > 0 && instance.pid != 0) word += fmt::format(", {} skipped", job.skipped);
  return {word, colour_of(instance.state)};
}

std::string next_of(const JobInfo& job) {
  if (!job.next.empty()) return job.next;
  if (job.instance.state == model::State::stopped && !job.instance.scheduled)
    return "off its schedule";
  return job.schedule.empty() ? "on request" : "-";
}

// "+02:00"; empty: none.
std::string_view offset_of(std::string_view time) {
  const auto blank = time.rfind(' ');
  const bool has = blank != std::string_view::npos && blank + 1 < time.size() &&
                   (time[blank + 1] == '+' || time[blank + 1] == '-');
  return has ? time.substr(blank + 1) : std::string_view();
}

// In the zone of the job, whose offset stands behind the next time unless another one holds.
std::string ended_of(const JobInfo& job) {
  if (job.last_ended.empty()) return format_wall(job.last->ended_ms);
  const std::string_view offset = offset_of(job.last_ended);
  if (offset.empty() || offset != offset_of(job.next)) return job.last_ended;
  return job.last_ended.substr(0, job.last_ended.size() - offset.size() - 1);
}

std::string end_of(const JobInfo& job) {
  return job.timed_out ? "timed out" : model::describe(job.last->status);
}

bool went_well(const JobInfo& job) {
  return !job.timed_out && model::is_success(job.last->status);
}

Row row_of(const JobInfo& job, const Terminal& terminal) {
  std::string schedule = job.schedule.empty() ? "-" : job.schedule;
  if (!job.timezone.empty()) schedule += " " + job.timezone;
  schedule = shown(schedule, terminal);
  Row row;
  row.cells = {{shown(job.instance.name, terminal)},
               {schedule},
               state_of(job),
               {shown(next_of(job), terminal)}};
  if (!job.schedule.empty()) row.below = schedule;
  if (!job.last) {
    row.cells.insert(row.cells.end(), {{"never"}, {"-"}, {"-"}});
    return row;
  }
  const auto took =
      format_duration(std::chrono::milliseconds(job.last->ended_ms - job.last->started_ms));
  const std::string end = end_of(job);
  row.cells.push_back({shown(ended_of(job), terminal)});
  row.cells.push_back({took});
  row.cells.push_back({end, went_well(job) ? Colour::none : Colour::red});
  row.below += (row.below.empty() ? "last run: " : "; last run: ") + end + " after " + took;
  return row;
}

}  // namespace

std::string jobs_text(const ipc::JobsReply& reply, const Terminal& terminal) {
  if (reply.jobs.empty()) return {};
  using Align = Column::Align;
  Table table;
  // What is left out stands below the row.
  table.columns = {{"name", Align::left, 0, 8},  {"schedule", Align::left, 2},
                   {"state", Align::left, 0, 8}, {"next run", Align::left},
                   {"last ended", Align::left},  {"took", Align::right, 3},
                   {"how", Align::left, 4}};
  for (const JobInfo& job : reply.jobs)
    table.rows.push_back(row_of(job, terminal));
  return render(table, terminal);
}

}  // namespace roost::cli
