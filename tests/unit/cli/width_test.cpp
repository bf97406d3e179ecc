#include "cli/output/width.h"

#include <doctest/doctest.h>

namespace roost::cli {

TEST_CASE("width: columns on a terminal, not bytes") {
  CHECK(display_width("") == 0);
  CHECK(display_width("api") == 3);
  CHECK(display_width("grün") == 4);
  CHECK(display_width("日本語") == 6);
  CHECK(display_width("🚀") == 2);
  CHECK(display_width("e\u0301") == 1);
  CHECK(display_width("…") == 1);
  CHECK(display_width("한국") == 4);
}

TEST_CASE("width: invalid bytes count as one column each") {
  CHECK(display_width("\xff\xfe") == 2);
  CHECK(display_width("\xe6\x97") == 2);
  CHECK(display_width("\xc0\x80") == 2);
  CHECK(display_width("\xed\xa0\x80") == 3);
}

TEST_CASE("width: truncation keeps whole characters and says that it cut") {
  CHECK(truncate("worker", 6) == "worker");
  CHECK(truncate("worker", 5) == "work…");
  CHECK(truncate("worker", 1) == "…");
  CHECK(truncate("worker", 0) == "");
  CHECK(truncate("日本語", 4) == "日…");
  CHECK(truncate("日本語", 5) == "日本…");
  CHECK(display_width(truncate("a日本語b", 4)) <= 4);
}

TEST_CASE("width: decoding gives size and validity") {
  CHECK(decode_utf8("a").value == U'a');
  CHECK(decode_utf8("\xf0\x9f\x9a\x80").value == 0x1f680);
  CHECK(decode_utf8("\xf0\x9f\x9a\x80").size == 4);
  CHECK_FALSE(decode_utf8("\xf5\x80\x80\x80").valid);
}

}  // namespace roost::cli
