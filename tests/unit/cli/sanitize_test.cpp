#include "cli/output/sanitize.h"

#include <random>

#include <doctest/doctest.h>

#include "core/base/utf8.h"

namespace roost::cli {

TEST_CASE("sanitize: ordinary text of any script stays") {
  for (const char* text : {"plain", "tab\there", "grün 日本語 🚀 e\u0301", ""})
    CHECK(sanitize(text) == text);
}

TEST_CASE("sanitize: complete sequences are taken out") {
  CHECK(sanitize("\x1b[31mred\x1b[0m") == "red");
  CHECK(sanitize("\x1b]0;title\x07x") == "x");
  CHECK(sanitize("\x1b]52;c;ZXZpbA==\x1b\\x") == "x");
  CHECK(sanitize("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\") == "link");
  CHECK(sanitize("a\x1b[2J\x1b[Hb") == "ab");
}

TEST_CASE("sanitize: what is left of control characters becomes visible") {
  CHECK(sanitize("\x1b") == "\\x1b");
  CHECK(sanitize("\x1b]0;never ends") == "\\x1b]0;never ends");
  CHECK(sanitize("\x1b[31") == "\\x1b[31");
  CHECK(sanitize("\x1b\x63") == "\\x1b\x63");
  CHECK(sanitize("a\rb\nc\x07\x7f") == "a\\rb\\nc\\x07\\x7f");
  CHECK(sanitize(std::string("\0", 1)) == "\\x00");
}

TEST_CASE("sanitize: C1 controls are caught in both of their forms") {
  CHECK(sanitize("\xc2\x9b"
                 "31m") == "\\x9b31m");
  CHECK(sanitize("\x9b"
                 "31m") == "\\x9b31m");
  CHECK(sanitize("\xc2\x9d"
                 "0;t") == "\\x9d0;t");
}

TEST_CASE("sanitize: characters that reorder or hide text become visible") {
  CHECK(sanitize("a\u202eb") == "a\\u202eb");
  CHECK(sanitize("\u2066x\u2069") == "\\u2066x\\u2069");
  CHECK(sanitize("\u200f") == "\\u200f");
  CHECK(sanitize("\u2028") == "\\u2028");
}

TEST_CASE("sanitize: whatever the bytes, the result is printable UTF-8") {
  std::mt19937 random(4711);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 40, '\0');
    for (auto& c : text)
      c = static_cast<char>(random() % 4 == 0 ? "\x1b[];\x9b\x07m\xc2"[random() % 8] : random());
    const auto safe = sanitize(text);
    REQUIRE(is_utf8(safe));
    for (const char c : safe)
      REQUIRE((static_cast<unsigned char>(c) >= 0x20 || c == '\t'));
    REQUIRE(safe.find('\x7f') == std::string::npos);
    for (std::size_t i = 0; i + 1 < safe.size(); ++i)
      REQUIRE_FALSE((safe[i] == '\xc2' && static_cast<unsigned char>(safe[i + 1]) < 0xa0));
  }
}

}  // namespace roost::cli
