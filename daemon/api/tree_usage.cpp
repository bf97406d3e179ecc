#include "daemon/api/tree_usage.h"

#include "core/model/limits.h"
#include "daemon/process/lanes.h"
#include "daemon/process/proc_children.h"

namespace roost::daemon {

using metrics::Sampler;
using metrics::Usage;
using model::limits::kMaxMeasuredProcesses;

std::optional<Usage> TreeUsage::of(const Run& run, TimePoint now) {
  forget_old(now);
  const std::uint64_t id = raw(run.label.run);
  if (const auto known = entries_.find(id);
      known != entries_.end() && now - known->second.at < Sampler::kFreshFor)
    return known->second.usage;
  auto total = sampler_.usage(run.label.pid, run.label.start_ticks, now);
  if (!total) return std::nullopt;
  const auto pids = run.lane ? lane_pids(run.lane, kMaxMeasuredProcesses)
                             : descendants(run.label.pid, kMaxMeasuredProcesses);
  for (const pid_t pid : pids) {
    if (pid == run.label.pid) continue;
    const auto one = sampler_.usage(pid, 0, now);
    if (!one) continue;
    total->cpu_percent += one->cpu_percent;
    total->rss_bytes += one->rss_bytes;
  }
  entries_[id] = {now, *total};
  return total;
}

void TreeUsage::forget_old(TimePoint now) {
  if (now - swept_at_ < Sampler::kForgetAfter) return;
  swept_at_ = now;
  std::erase_if(entries_,
                [now](const auto& one) { return now - one.second.at >= Sampler::kForgetAfter; });
}

}  // namespace roost::daemon
