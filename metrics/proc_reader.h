// Reads one process from /proc: one open, read and close per call, no allocation on success. Any
// thread.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "core/base/time.h"
#include "metrics/proc_parse.h"

namespace roost::metrics {

struct StatSample {
  ProcStat stat;
  Duration since_boot{0};  // CLOCK_BOOTTIME when it was read: what start_ticks counts from
};

// Errc::not_found when there is no such process.
[[nodiscard]] Result<StatSample> read_stat(std::int32_t pid);
[[nodiscard]] Result<ProcStatm> read_statm(std::int32_t pid);

[[nodiscard]] std::uint64_t page_bytes();
[[nodiscard]] std::uint64_t ticks_per_second();

}  // namespace roost::metrics
