// The text of /proc/PID/stat and /proc/PID/statm as values. Pure; every byte of the input is
// distrusted.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/result.h"

namespace roost::metrics {

struct ProcStat {
  std::int32_t pid = 0;
  std::array<char, 64>
      comm{};        // NUL-terminated, cut to fit; may hold any byte, spaces and parentheses too
  char state = '?';  // R, S, D, T, t, Z, X, I
  std::int32_t ppid = 0;
  std::int32_t pgrp = 0;
  std::int32_t session = 0;
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  std::uint32_t threads = 0;
  std::uint64_t start_ticks = 0;  // since boot (CLOCK_BOOTTIME); with the pid it names a process
  std::uint64_t vsize_bytes = 0;
  std::uint64_t rss_pages = 0;

  [[nodiscard]] std::string_view name() const { return comm.data(); }
};

struct ProcStatm {
  std::uint64_t size_pages = 0;
  std::uint64_t resident_pages = 0;
  std::uint64_t shared_pages = 0;
};

[[nodiscard]] Result<ProcStat> parse_stat(std::string_view text);
[[nodiscard]] Result<ProcStatm> parse_statm(std::string_view text);

}  // namespace roost::metrics
