#include <doctest/doctest.h>

#include "core/base/record_codec.h"

using namespace roost;

namespace {

enum class Colour : std::uint8_t { red, green };

struct Inner {
  std::int8_t small = 0;
  std::optional<std::string> label;

  static constexpr auto fields() {
    return std::tuple{req("small", &Inner::small, ""), opt("label", &Inner::label, "")};
  }

  friend bool operator==(const Inner&, const Inner&) = default;
};

struct All {
  bool flag = false;
  std::int64_t i64 = 0;
  std::uint64_t u64 = 0;
  std::uint16_t u16 = 0;
  double number = 0;
  std::string text;
  Duration delay = 0s;
  Colour colour = Colour::red;
  std::vector<Inner> items;
  std::map<std::string, std::uint32_t> map;
  std::optional<Inner> maybe;
  RawJson raw;

  static constexpr auto fields() {
    return std::tuple{req("flag", &All::flag, ""),     opt("i64", &All::i64, ""),
                      opt("u64", &All::u64, ""),       opt("u16", &All::u16, ""),
                      opt("number", &All::number, ""), opt("text", &All::text, ""),
                      opt("delay", &All::delay, ""),   opt("colour", &All::colour, ""),
                      opt("items", &All::items, ""),   opt("map", &All::map, ""),
                      opt("maybe", &All::maybe, ""),   opt("raw", &All::raw, "")};
  }

  friend bool operator==(const All&, const All&) = default;
};

std::string problem(std::string_view text, UnknownFields unknown = UnknownFields::ignore) {
  const Result<JsonValue> json = parse_json(text);
  REQUIRE(json);
  const Result<All> record = decode<All>(json->root(), {}, unknown);
  return record ? "" : record.error().message;
}

}  // namespace

template <>
struct roost::EnumNames<Colour> {
  static constexpr std::array<std::pair<Colour, std::string_view>, 2> values{
      {{Colour::red, "red"}, {Colour::green, "green"}}};
};

TEST_CASE("codec: a record of every field type comes back equal") {
  All all{true,
          INT64_MIN,
          UINT64_MAX,
          65535,
          0.1,
          "a\"\nä",
          1500ms,
          Colour::green,
          {{-128, "x"}, {127, {}}},
          {{"one", 1}, {"", 0}},
          Inner{5, {}},
          {R"({"free":[1,2]})"}};
  const std::string text = to_json(all);
  CHECK(
      text ==
      R"({"flag":true,"i64":-9223372036854775808,"u64":18446744073709551615,"u16":65535,"number":0.1,"text":"a\"\nä","delay":1500,)"
      R"("colour":"green","items":[{"small":-128,"label":"x"},{"small":127}],"map":{"":0,"one":1},"maybe":{"small":5},"raw":{"free":[1,2]}})");
  const Result<All> back = from_json<All>(text);
  REQUIRE_MESSAGE(back, back.error().message);
  CHECK(*back == all);
}

TEST_CASE("codec: absent optional fields keep their defaults, absent required ones are told") {
  CHECK(from_json<All>(R"({"flag":true})")->text.empty());
  CHECK(problem("{}") == "flag: missing");
  CHECK(problem(R"({"flag":true,"items":[{}]})") == "items[0].small: missing");
}

TEST_CASE("codec: members may come in any order, and unknown ones are ignored") {
  const Result<All> all = from_json<All>(
      R"({"new":{"x":[1]},"text":"t","u16":7,"maybe":{"label":"l","small":1,"z":0},"flag":true,"i64":9,"last":null})");
  REQUIRE(all);
  CHECK(all->text == "t");
  CHECK(all->u16 == 7);
  CHECK(all->i64 == 9);
  CHECK(all->maybe->label == "l");
}

TEST_CASE("codec: a wrong type is told with its place, and all problems at once") {
  CHECK(problem(R"({"flag":1})") == "flag: expected boolean, got integer");
  CHECK(problem(R"({"flag":true,"items":[{"small":1},{"small":"x"}]})") ==
        "items[1].small: expected integer, got string");
  CHECK(problem(R"({"flag":true,"text":5,"map":{"a":true},"items":{}})") ==
        "text: expected string, got integer; items: expected array, got object; map.a: expected "
        "integer, got boolean");
  CHECK(problem("[]") == "expected object, got array");
  CHECK(problem(R"({"flag":true,"number":"1"})") == "number: expected number, got string");
  CHECK(problem(R"({"flag":true,"text":null})") == "text: expected string, got null");
  CHECK(decode<All>(parse_json("{}")->root(), "params").error().message == "params.flag: missing");
}

TEST_CASE("codec: integers are checked against the range of the field") {
  CHECK(problem(R"({"flag":true,"u16":65536})") ==
        "u16: expected integer from 0 to 65535, got 65536");
  CHECK(problem(R"({"flag":true,"u16":-1})") == "u16: expected integer from 0 to 65535, got -1");
  CHECK(problem(R"({"flag":true,"u16":1.0})") == "u16: expected integer, got number");
  CHECK(problem(R"({"flag":true,"maybe":{"small":128}})") ==
        "maybe.small: expected integer from -128 to 127, got 128");
  CHECK(problem(R"({"flag":true,"i64":9223372036854775808})").find("got 9223372036854775808") !=
        std::string::npos);
  CHECK(problem(R"({"flag":true,"u64":18446744073709551616})") ==
        "u64: expected integer, got number");
  CHECK(problem(R"({"flag":true,"delay":-1})").find("delay: expected integer from 0 to ") == 0);
  CHECK(problem(R"({"flag":true,"delay":9223372036855})").find("delay: expected") == 0);
}

TEST_CASE("codec: an unknown enum name lists the known ones") {
  CHECK(problem(R"({"flag":true,"colour":"blue"})") ==
        "colour: expected one of 'red', 'green', got 'blue'");
}

TEST_CASE("codec: null empties an optional") {
  CHECK_FALSE(from_json<All>(R"({"flag":true,"maybe":null})")->maybe);
}

TEST_CASE("codec: strict decoding refuses unknown fields at every level and suggests") {
  CHECK(problem(R"({"flag":true,"colur":"red"})", UnknownFields::reject) ==
        "colur: unknown field, did you mean 'colour'?");
  CHECK(problem(R"({"flag":true,"items":[{"small":1,"lable":"x"}]})", UnknownFields::reject) ==
        "items[0].lable: unknown field, did you mean 'label'?");
  CHECK(problem(R"({"flag":true,"zzzzzz":0})", UnknownFields::reject) == "zzzzzz: unknown field");
  CHECK(problem(R"({"flag":true,"map":{"anything":1}})", UnknownFields::reject).empty());
}

TEST_CASE("codec: many problems are counted, not all told") {
  std::string text = R"({"flag":true,"items":[)";
  for (int i = 0; i < 1000; ++i)
    text += i == 0 ? "{}" : ",{}";
  const std::string message = problem(text + "]}");
  CHECK(message.find("items[9].small: missing; and 990 more") != std::string::npos);
  CHECK(message.size() < 500);
}

TEST_CASE("codec: an absent value counts as an empty object") {
  CHECK(decode<All>(JsonRef()).error().message == "flag: missing");
}

TEST_CASE("codec: strings with bytes that are not text arrive as replacement characters") {
  All all;
  all.text = "ab\xFF";
  CHECK(from_json<All>(to_json(all))->text == "ab\xEF\xBF\xBD");
}
