#include "core/base/json_writer.h"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "core/base/json.h"

using namespace roost;

namespace {

template <class Write>
std::string written(Write write) {
  std::string text;
  JsonWriter writer(text);
  write(writer);
  return text;
}

std::string quoted(std::string_view value) {
  return written([value](JsonWriter& w) { w.string(value); });
}

}  // namespace

TEST_CASE("json writer: commas and colons stand where they belong") {
  const std::string text = written([](JsonWriter& w) {
    w.begin_object();
    w.key("a");
    w.begin_array();
    w.integer(-1);
    w.unsigned_integer(18446744073709551615U);
    w.begin_object();
    w.end_object();
    w.begin_array();
    w.end_array();
    w.end_array();
    w.plain_key("b");
    w.boolean(true);
    w.key("c");
    w.null();
    w.key("d");
    w.raw("[1]");
    w.end_object();
  });
  CHECK(text == R"({"a":[-1,18446744073709551615,{},[]],"b":true,"c":null,"d":[1]})");
}

TEST_CASE("json writer: what must be escaped is escaped") {
  CHECK(quoted("a\"b\\c/d") == R"("a\"b\\c/d")");
  CHECK(quoted("\b\f\n\r\t\x01\x1f\x7f") == "\"\\u0008\\u000c\\n\\r\\t\\u0001\\u001f\x7f\"");
  CHECK(quoted("") == "\"\"");
  CHECK(quoted("grün €🚀") == "\"grün €🚀\"");
}

TEST_CASE("json writer: NUL and what is not UTF-8 become the replacement character") {
  using namespace std::string_view_literals;
  CHECK(quoted("a\0b"sv) ==
        "\"a\xEF\xBF\xBD"
        "b\"");
  CHECK(quoted("\xFF\xE2\x82") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST_CASE("json writer: any byte string comes back from the parser, apart from what was replaced") {
  for (std::size_t length = 0; length < 40; ++length) {
    for (int byte = 1; byte < 256; ++byte) {
      std::string value(length, 'x');
      value += static_cast<char>(byte);
      value += "tail";
      const Result<JsonValue> json = parse_json(quoted(value));
      REQUIRE(json);
      if (byte < 0x80) REQUIRE(json->root().as_string() == value);
    }
  }
}

TEST_CASE(
    "json writer: doubles read back to the same value; those that JSON has no word for are null") {
  for (const double value :
       {0.0, -0.0, 0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 12.5, 1e21, 123456789.0}) {
    const std::string text = written([value](JsonWriter& w) { w.number(value); });
    CHECK(parse_json(text)->root().as_double() == value);
  }
  CHECK(written([](JsonWriter& w) { w.number(std::numeric_limits<double>::infinity()); }) ==
        "null");
  CHECK(written([](JsonWriter& w) { w.number(std::nan("")); }) == "null");
}

TEST_CASE("json writer: a member name longer than its buffer is written whole") {
  const std::string name(200, 'n');
  const std::string text = written([&name](JsonWriter& w) {
    w.begin_object();
    w.plain_key(name);
    w.integer(1);
    w.end_object();
  });
  CHECK(text == "{\"" + name + "\":1}");
}
