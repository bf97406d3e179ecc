// The inner loop of reading and writing JSON strings, eight bytes at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace roost::detail {

// A byte that stands in a JSON string as it is: printable ASCII but for quote and backslash (DEL
// included).
inline bool is_json_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

// Number of plain bytes at the start of [from, to).
inline std::size_t json_plain_run(const char* from, const char* to) {
  static_assert(std::endian::native == std::endian::little);
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = 0x8080808080808080U;
  const char* at = from;
  while (to - at >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    // The high bit of a byte is set where the byte is below 0x20, a quote, a backslash or not
    // ASCII. A borrow may set it for a byte above such a one too, which does no harm: only the
    // first one counts.
    const std::uint64_t quote = word ^ (kOnes * '"');
    const std::uint64_t backslash = word ^ (kOnes * '\\');
    const std::uint64_t stops =
        ((word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes) | word) & kHighs;
    if (stops != 0)
      return static_cast<std::size_t>(at - from) +
             static_cast<std::size_t>(std::countr_zero(stops) / 8);
    at += 8;
  }
  while (at < to && is_json_plain(*at))
    ++at;
  return static_cast<std::size_t>(at - from);
}

}  // namespace roost::detail
