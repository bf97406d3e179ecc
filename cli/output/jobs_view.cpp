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

}  // namespace

std::string jobs_text(const ipc::JobsReply& reply, const Terminal& terminal) {
  if (reply.jobs.empty()) return {};
  using Align = Column::Align;
  Table table;
  table.columns = {{"name", Align::left, 0, 8}, {"schedule", Align::left, 2},
                   {"state", Align::left},      {"next run", Align::left},
                   {"last ended", Align::left}, {"took", Align::right, 3},
                   {"how", Align::left, 4}};
  for (const JobInfo& job : reply.jobs) {
    std::string schedule = job.schedule.empty() ? "-" : job.schedule;
    if (!job.timezone.empty()) schedule += " " + job.timezone;
    Row row;
    row.cells = {{shown(job.instance.name, terminal)},
                 {shown(schedule, terminal)},
                 state_of(job),
                 {shown(next_of(job), terminal)}};
    if (job.last) {
      const auto took = std::chrono::milliseconds(job.last->ended_ms - job.last->started_ms);
      row.cells.push_back({format_wall(job.last->ended_ms)});
      row.cells.push_back({format_duration(took)});
      row.below = model::describe(job.last->status);
      row.cells.push_back(
          {row.below, model::is_success(job.last->status) ? Colour::none : Colour::red});
    } else {
      row.cells.insert(row.cells.end(), {{"never"}, {"-"}, {"-"}});
    }
    table.rows.push_back(std::move(row));
  }
  return render(table, terminal);
}

}  // namespace roost::cli
