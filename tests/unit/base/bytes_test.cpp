#include "core/base/bytes.h"

#include <doctest/doctest.h>

using namespace roost;

TEST_CASE("bytes: numbers, units of 1024, and what is none") {
  CHECK(*parse_bytes("0") == 0);
  CHECK(*parse_bytes("1048576") == 1048576);
  CHECK(*parse_bytes("300M") == 300ULL << 20U);
  CHECK(*parse_bytes("300 MB") == 300ULL << 20U);
  CHECK(*parse_bytes("64KiB") == 65536);
  CHECK(*parse_bytes("1.5g") == 3ULL << 29U);
  CHECK(*parse_bytes("2T") == 2ULL << 40U);
  for (const char* text :
       {"", "M", "-1", "1X", "1MM", ".5M", "1e9", "1.2.3", "99999999T", "1M B"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_bytes(text));
  }
}

TEST_CASE("bytes: in words") {
  CHECK(bytes_in_words(1) == "1 byte");
  CHECK(bytes_in_words(1023) == "1023 bytes");
  CHECK(bytes_in_words(1024) == "1 KB");
  CHECK(bytes_in_words(312ULL << 20U) == "312 MB");
  CHECK(bytes_in_words((312ULL << 20U) + (400U << 10U)) == "312 MB");
  CHECK(bytes_in_words(3ULL << 29U) == "1.5 GB");
  CHECK(bytes_in_words(9ULL << 50U) == "9216 TB");
}
