// TreeUsage: CPU and memory of whole runs, the main process with all that belongs to its lane, or
// without lanes with its descendants. Read when somebody asks and never on a timer; an answer
// younger than Sampler::kFreshFor is given again. Loop thread.
#pragma once

#include <optional>
#include <unordered_map>

#include "daemon/supervisor/instance.h"
#include "metrics/sampler.h"

namespace roost::daemon {

class TreeUsage {
 public:
  // Resident sizes are added up, so that memory which processes share counts once for each. CPU of
  // a process that has ended since the last look is not in it. At most kMaxMeasuredProcesses of a
  // run are looked at. Nothing when its main process is gone.
  [[nodiscard]] std::optional<metrics::Usage> of(const Run& run, TimePoint now);

 private:
  struct Entry {
    TimePoint at;
    metrics::Usage usage;
  };

  void forget_old(TimePoint now);

  metrics::Sampler sampler_;
  std::unordered_map<std::uint64_t, Entry> entries_;  // by raw RunId
  TimePoint swept_at_;
};

}  // namespace roost::daemon
