// Sampler: CPU and memory of processes, read when somebody asks and never on a timer, so an
// unwatched daemon does no work. An answer younger than kFreshFor is given again without a system
// call. Not for several threads at once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>

#include "core/base/time.h"
#include "metrics/proc_reader.h"

namespace roost::metrics {

struct Usage {
  double cpu_percent = 0;  // of one CPU: 250 = two and a half CPUs
  std::uint64_t rss_bytes = 0;
};

class Sampler {
 public:
  static constexpr Duration kFreshFor = 1s;
  static constexpr Duration kMinInterval =
      500ms;  // a rate is never taken over less: clock ticks are 10 ms
  static constexpr Duration kForgetAfter = 60s;  // not asked for this long
  static constexpr std::size_t kMaxProcesses = 65'536;

  using Read = std::function<Result<StatSample>(std::int32_t pid)>;

  explicit Sampler(Read read = read_stat) : read_(std::move(read)) {}

  // Of the process with this pid and start time (0 = whoever has the pid); nothing when it is gone,
  // a zombie, or another one has its pid. CPU is over the time since the previous sample, for the
  // first one since the start of the process.
  [[nodiscard]] std::optional<Usage> usage(std::int32_t pid, std::uint64_t start_ticks,
                                           TimePoint now);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t start_ticks = 0;
    std::uint64_t cpu_ticks = 0;
    TimePoint sampled_at;
    Usage usage;
  };

  void forget_old(TimePoint now);

  Read read_;
  std::unordered_map<std::int32_t, Entry> entries_;
  TimePoint swept_at_;
};

}  // namespace roost::metrics
