#include "core/base/utf8.h"

#include <doctest/doctest.h>

using namespace roost;

TEST_CASE("utf8: every code point is encoded to one valid sequence of the right length") {
  for (char32_t c = 0; c < 0x110000; c += (c >= 0x2000 && c < 0xFFFF00 ? 13 : 1)) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(text, c);
    const std::size_t expected = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    REQUIRE(text.size() == expected);
    REQUIRE(utf8_sequence(text) == expected);
  }
}

TEST_CASE("utf8: overlong, surrogate, out of range, truncated and stray bytes are no sequence") {
  using namespace std::string_view_literals;
  for (const std::string_view bad :
       {"\xC0\x80"sv, "\xC1\xBF"sv, "\xE0\x9F\xBF"sv, "\xED\xA0\x80"sv, "\xF0\x8F\xBF\xBF"sv,
        "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv, "\xFF"sv, "\x80"sv, "\xE2\x82"sv,
        "\xE2\x28\xA1"sv, ""sv}) {
    CAPTURE(bad.size());
    CHECK(utf8_sequence(bad) == 0);
  }
  CHECK(is_utf8("a\xE2\x82\xAC\xF0\x9F\x9A\x80"));
  CHECK_FALSE(is_utf8("a\xE2\x82"));
  CHECK(is_utf8(""));
}
