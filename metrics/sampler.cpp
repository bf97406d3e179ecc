#include "metrics/sampler.h"

#include <algorithm>

namespace roost::metrics {
namespace {

double seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}

double seconds_of(std::uint64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(ticks_per_second());
}

// The least interval keeps one clock tick of a process that was just born from looking like a busy
// CPU.
double percent(double cpu_seconds, double wall_seconds) {
  return 100.0 * cpu_seconds / std::max(wall_seconds, seconds(Sampler::kMinInterval));
}

std::uint64_t cpu_ticks(const ProcStat& stat) {
  return stat.user_ticks + stat.system_ticks;
}

double percent_since_start(const StatSample& sample) {
  const double age = seconds(sample.since_boot) - seconds_of(sample.stat.start_ticks);
  return percent(seconds_of(cpu_ticks(sample.stat)), age);
}

// Z: waits to be reaped; X, x: on the way out. Their memory is gone already.
bool is_dead(const ProcStat& stat) {
  return stat.state == 'Z' || stat.state == 'X' || stat.state == 'x';
}

}  // namespace

std::optional<Usage> Sampler::usage(std::int32_t pid, std::uint64_t start_ticks, TimePoint now) {
  forget_old(now);
  auto known = entries_.find(pid);
  if (known != entries_.end() && start_ticks != 0 && known->second.start_ticks != start_ticks) {
    entries_.erase(known);
    known = entries_.end();
  }
  if (known != entries_.end() && now - known->second.sampled_at < kFreshFor)
    return known->second.usage;
  const Result<StatSample> sample = read_(pid);
  const bool is_it = sample && !is_dead(sample->stat) &&
                     (start_ticks == 0 || sample->stat.start_ticks == start_ticks);
  if (!is_it) {
    if (known != entries_.end()) entries_.erase(known);
    return std::nullopt;
  }
  const ProcStat& stat = sample->stat;
  Entry entry{.start_ticks = stat.start_ticks,
              .cpu_ticks = cpu_ticks(stat),
              .sampled_at = now,
              .usage = {}};
  entry.usage.rss_bytes = stat.rss_pages * page_bytes();
  if (known != entries_.end() && known->second.start_ticks == stat.start_ticks) {
    const std::uint64_t before = std::min(known->second.cpu_ticks, entry.cpu_ticks);
    entry.usage.cpu_percent =
        percent(seconds_of(entry.cpu_ticks - before), seconds(now - known->second.sampled_at));
  } else {
    entry.usage.cpu_percent = percent_since_start(*sample);
  }
  if (known != entries_.end() || entries_.size() < kMaxProcesses) entries_[pid] = entry;
  return entry.usage;
}

void Sampler::forget_old(TimePoint now) {
  if (now - swept_at_ < kForgetAfter) return;
  swept_at_ = now;
  std::erase_if(entries_,
                [now](const auto& one) { return now - one.second.sampled_at >= kForgetAfter; });
}

}  // namespace roost::metrics
