#include "cli/output/width.h"

#include <algorithm>
#include <array>

namespace roost::cli {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

#include "cli/output/width_table.inl"

template <std::size_t N>
bool contains(const std::array<Range, N>& table, char32_t c) {
  const auto it = std::lower_bound(table.begin(), table.end(), c,
                                   [](const Range& r, char32_t v) { return r.last < v; });
  return it != table.end() && it->first <= c;
}

}  // namespace

CodePoint decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {0xfffd, 1, false};
  char32_t value = lead & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {0xfffd, 1, false};
    value = value << 6 | (byte(i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
    return {0xfffd, 1, false};
  return {value, size, true};
}

int width_of(char32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return 0;
  if (c < 0x300) return 1;
  if (contains(kZeroWidth, c)) return 0;
  return contains(kWide, c) ? 2 : 1;
}

std::size_t display_width(std::string_view text) {
  // Nearly all text is plain ASCII: as many columns as bytes.
  std::size_t columns = 0;
  while (columns < text.size() && text[columns] >= 0x20 && text[columns] < 0x7f)
    ++columns;
  text.remove_prefix(columns);
  while (!text.empty()) {
    const auto c = decode_utf8(text);
    columns += static_cast<std::size_t>(width_of(c.value));
    text.remove_prefix(c.size);
  }
  return columns;
}

std::string truncate(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::size_t used = 0;
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const auto c = decode_utf8(text.substr(bytes));
    const auto width = static_cast<std::size_t>(width_of(c.value));
    if (used + width > columns - 1) break;
    used += width;
    bytes += c.size;
  }
  return std::string(text.substr(0, bytes)) + "…";
}

}  // namespace roost::cli
