#include "cli/output/stats_view.h"

#include "cli/output/app_naming.h"
#include "cli/output/sanitize.h"
#include "cli/output/table.h"
#include "cli/output/units.h"

namespace roost::cli {
namespace {

std::string of(std::uint64_t part, std::uint64_t whole) {
  return std::to_string(part) + " of " + std::to_string(whole);
}

std::string in_ms(std::int64_t us) {
  return std::to_string(us / 1000) + "." + std::to_string(us % 1000 / 100) + "ms";
}

std::string program(std::int32_t pid, std::uint64_t memory, std::int64_t cpu_ms) {
  return "pid " + std::to_string(pid) + ", " + format_bytes(memory) + ", cpu time " +
         format_duration(std::chrono::milliseconds(cpu_ms));
}

std::string logs(const ipc::DaemonStats& stats) {
  std::string text = format_bytes(stats.log_bytes) + " moved, " +
                     counted(stats.log_streams, "stream", "streams") + ", " +
                     counted(stats.log_files, "open file", "open files");
  if (stats.log_discarded > 0) text += ", " + format_bytes(stats.log_discarded) + " discarded";
  if (stats.log_files_stopped > 0)
    text += ", " + counted(stats.log_files_stopped, "file", "files") + " cannot be written";
  return text;
}

std::string store(const ipc::DaemonStats& stats) {
  std::string text = counted(stats.store_commits, "commit", "commits") + ", slowest " +
                     in_ms(stats.store_slowest_us) + ", " + std::to_string(stats.store_queued) +
                     " waiting";
  if (stats.store_failed > 0) text += ", " + std::to_string(stats.store_failed) + " failed";
  if (stats.store_dropped > 0)
    text += ", " + counted(stats.store_dropped, "exit", "exits") + " dropped";
  return text;
}

}  // namespace

std::string stats_text(const ipc::DaemonStats& stats, const Terminal& terminal) {
  std::vector<Pair> pairs{
      {"version", {sanitize(stats.version)}},
      {"uptime", {format_duration(std::chrono::milliseconds(stats.uptime_ms))}},
      {"roostd",
       {program(stats.pid, stats.memory, stats.cpu_ms) + ", " +
        counted(stats.threads, "thread", "threads")}},
      {"keeper", {program(stats.keeper_pid, stats.keeper_memory, stats.keeper_cpu_ms)}},
      {"descriptors", {of(stats.descriptors, stats.descriptor_limit)}},
      {"supervised",
       {counted(stats.apps, "app", "apps") + ", " +
        counted(stats.instances, "instance", "instances") + ", runs " +
        of(stats.runs, stats.keeper_slots)}},
      {"clients", {std::to_string(stats.clients)}},
      {"loop lag",
       {in_ms(stats.loop_lag_us) + " in the last minute, " + in_ms(stats.loop_lag_max_us) +
        " at worst"}},
      {"logs", {logs(stats)}},
      {"state.db", {store(stats)}}};
  if (!stats.store_error.empty())
    pairs.push_back({"state.db error", {sanitize(stats.store_error), Colour::red}});
  return render_pairs(pairs, terminal);
}

}  // namespace roost::cli
