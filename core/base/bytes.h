// Sizes as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace roost {

// "1048576", "300M", "1.5G", "64KiB", "300 MB": K, M, G and T are powers of 1024, as in PM2.
[[nodiscard]] Result<std::uint64_t> parse_bytes(std::string_view text);
// "312 MB", "1.5 GB", "900 KB", "12 bytes".
[[nodiscard]] std::string bytes_in_words(std::uint64_t bytes);

}  // namespace roost
