// Durations, sizes and counts as people write and read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/duration.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace roost::cli {

// A whole number from `low` to `high`.
[[nodiscard]] Result<std::uint32_t> parse_count(std::string_view text, std::uint32_t low,
                                                std::uint32_t high);

// At most two units, the largest first: "800ms", "12s", "3m 5s", "4h 12m", "9d 3h".
[[nodiscard]] std::string format_duration(Duration duration);
// One unit only, for narrow columns: "800ms", "12s", "3m", "4h", "9d".
[[nodiscard]] std::string format_age(Duration duration);
// "0 B", "812 KB", "43.5 MB", "1.2 GB" (powers of 1024).
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);
// "0.0%", "12.3%", "250%".
[[nodiscard]] std::string format_percent(double percent);
// Local time, "2026-11-24 16:03:07"; "-" for 0.
[[nodiscard]] std::string format_wall(WallMs when);

}  // namespace roost::cli
