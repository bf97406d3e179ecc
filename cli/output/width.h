// Columns a text takes on a terminal. Own tables, because a static binary cannot count on a locale:
// wide East Asian characters and emoji take two columns, combining marks none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace roost::cli {

// Decodes the code point at the start of `text`, which must not be empty. Invalid bytes give
// U+FFFD with size 1.
struct CodePoint {
  char32_t value = 0;
  std::size_t size = 1;
  bool valid = true;
};

[[nodiscard]] CodePoint decode_utf8(std::string_view text);

// 0, 1 or 2. Control characters count as 0: sanitize first.
[[nodiscard]] int width_of(char32_t c);
[[nodiscard]] std::size_t display_width(std::string_view text);
// The longest prefix that fits, with '…' in place of what was cut off.
[[nodiscard]] std::string truncate(std::string_view text, std::size_t columns);

}  // namespace roost::cli
