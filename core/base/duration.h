// Durations as people write them.
#pragma once

#include <string_view>

#include "core/base/result.h"
#include "core/base/time.h"

namespace roost {

// "1600" (milliseconds), "500ms", "10s", "2m", "1h", "1d"; also "1.5s". Never negative.
// Errc::invalid otherwise.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

}  // namespace roost
