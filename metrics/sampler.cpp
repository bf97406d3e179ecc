#include "metrics/sampler.h"

#include <algorithm>

namespace roost::metrics {
namespace {

double percent(std::uint64_t ticks, Duration over) {
  const double seconds = std::chrono::duration<double>(over).count();
  return seconds <= 0 ? 0 : 100.0 * static_cast<double>(ticks) / static_cast<double>(ticks_per_second()) / seconds;
}

// Of the whole life of the process.
double lifetime_percent(const StatSample& sample, std::uint64_t ticks) {
  const double started = static_cast<double>(sample.stat.start_ticks) / static_cast<double>(ticks_per_second());
  const Duration lived = sample.since_boot - std::chrono::duration_cast<Duration>(std::chrono::duration<double>(started));
  return percent(ticks, std::max(lived, Duration(Sampler::kMinInterval)));
}

}  // namespace

std::optional<Usage> Sampler::usage(std::int32_t pid, std::uint64_t start_ticks, TimePoint now) {
  forget_old(now);
  const auto known = entries_.find(pid);
  const bool same = known != entries_.end() && (start_ticks == 0 || known->second.start_ticks == start_ticks);
  if (same && now - known->second.sampled_at < kFreshFor) return known->second.usage;
  const Result<StatSample> sample = read_(pid);
  if (!sample || sample->stat.state == 'Z' || sample->stat.state == 'X' ||
      (start_ticks != 0 && sample->stat.start_ticks != start_ticks)) {
    entries_.erase(pid);
    return std::nullopt;
  }
  const std::uint64_t ticks = sample->stat.user_ticks + sample->stat.system_ticks;
  Usage usage{.cpu_percent = 0, .rss_bytes = sample->stat.rss_pages * page_bytes()};
  const bool has_interval = same && known->second.start_ticks == sample->stat.start_ticks && ticks >= known->second.cpu_ticks;
  usage.cpu_percent = has_interval ? percent(ticks - known->second.cpu_ticks, now - known->second.sampled_at)
                                   : lifetime_percent(*sample, ticks);
  if (entries_.size() < kMaxProcesses || same) entries_[pid] = {sample->stat.start_ticks, ticks, now, usage};
  return usage;
}

void Sampler::forget_old(TimePoint now) {
  if (now - swept_at_ < kForgetAfter) return;
  swept_at_ = now;
  std::erase_if(entries_, [&](const auto& entry) { return now - entry.second.sampled_at >= kForgetAfter; });
}

}  // namespace roost::metrics
