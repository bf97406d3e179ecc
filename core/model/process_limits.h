// Limits of a process as a spec names them: "nofile": "1024:4096". The kernel's numbers, so that
// whoever sets them has nothing left to look up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace roost::model {

struct ProcessLimit {
  int resource = 0;  // RLIMIT_…
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;

  static constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};
  friend bool operator==(const ProcessLimit&, const ProcessLimit&) = default;
};

// `value` is SOFT:HARD or one for both: a number, with K, M, G or T where bytes are counted, or
// "unlimited".
[[nodiscard]] Result<ProcessLimit> parse_limit(std::string_view name, std::string_view value);

}  // namespace roost::model
