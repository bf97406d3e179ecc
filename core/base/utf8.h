// UTF-8, as bytes: what is a whole and valid sequence.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace roost {

// Length of the valid sequence at the start of `text` (1 to 4), or 0: empty, truncated, overlong,
// surrogate or above U+10FFFF.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);
// Appends the encoding of a code point below 0x110000 that is no surrogate.
void append_utf8(std::string& out, char32_t code_point);

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

}  // namespace roost
