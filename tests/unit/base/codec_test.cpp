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
        "text: expected string, got integer; map.a: expected integer, got boolean; items: expected "
        "array, got object");
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

TEST_CASE("codec: text with spaces, escaped names and any order decodes like compact text") {
  const Result<All> all = from_json<All>(
      R"( { "text" : "t" , "fl\u0061g" : true , "items" : [ { "small" : 1 } , { "label" : "l" , "small" : 2 } ] } )");
  REQUIRE_MESSAGE(all, all.error().message);
  CHECK(all->flag);
  CHECK(all->text == "t");
  CHECK(all->items == std::vector<Inner>{{1, {}}, {2, "l"}});
}

TEST_CASE("codec: malformed text is a syntax error with its place, wherever it breaks") {
  const auto refused = [](std::string_view text) {
    const Result<All> all = from_json<All>(text);
    REQUIRE_FALSE(all);
    return all.error().message;
  };
  CHECK(refused("") == "line 1, column 1: expected a value, got the end");
  CHECK(refused(R"({"flag":true,)") ==
        "line 1, column 14: expected a member's name in double quotes, got the end");
  CHECK(refused(R"({"flag":tru})") == "line 1, column 9: expected a value, got 't'");
  CHECK(refused(R"({"flag":true} x)") == "line 1, column 15: expected the end, got 'x'");
  CHECK(refused("{\"flag\":true,\n\"new\":[1,{\"a\" 1}]}") ==
        "line 2, column 15: expected ':' after a member's name, got '1'");
  CHECK(refused(R"({"flag":true,"items":[{"small":1} {"small":2}]})")
            .find("expected ',' or ']' after an item") != std::string::npos);
  const std::string good = to_json(
      All{true, 1, 2, 3, 4.5, "text", 6ms, Colour::red, {{1, "l"}}, {{"k", 1}}, Inner{}, {"[{}]"}});
  for (std::size_t length = 0; length < good.size(); ++length)
    CHECK_FALSE(from_json<All>(good.substr(0, length)));
}

TEST_CASE("codec: decoded in place, an error names the byte, whatever was decoded before it") {
  std::string text = R"({"flag":true,"text":"a\n\n","i64":x})";
  CHECK(from_json_in_place<All>(text).error().message == "byte 35: expected a value, got 'x'");
  std::string good = R"({"flag":true,"text":"a\nb"})";
  CHECK(from_json_in_place<All>(good)->text == "a\nb");
}

TEST_CASE("codec: a long list comes back whole, whatever its first item made expect") {
  All all;
  all.items.push_back({1, std::string(300, 'x')});
  for (int i = 0; i < 2000; ++i)
    all.items.push_back({static_cast<std::int8_t>(i % 100), {}});
  const Result<All> back = from_json<All>(to_json(all));
  REQUIRE(back);
  CHECK((back->items == all.items));
  std::string text = R"({"flag":true,"items":[)";
  for (int i = 0; i < 50'000; ++i)
    text += i == 0 ? "{}" : ",{}";
  CHECK_FALSE(from_json<All>(text + "]}"));  // "small" is missing in all of them
}

TEST_CASE("codec: a name given twice is refused, from the text and from a map") {
  CHECK(from_json<All>(R"({"flag":true,"text":"a","text":"b"})").error().message ==
        "text: given twice");
  CHECK(from_json<All>(R"({"flag":true,"map":{"a":1,"a":2}})").error().message ==
        "map.a: given twice");
}

TEST_CASE("codec: the limits of depth and bytes hold for text too, also in what is ignored") {
  const std::string deep = std::string(100'000, '[');
  CHECK(from_json<All>(R"({"flag":true,"new":)" + deep)
            .error()
            .message.find("nested deeper than 64 levels") != std::string::npos);
  CHECK(from_json<All>(R"({"flag":true,"raw":)" + deep)
            .error()
            .message.find("nested deeper than 64 levels") != std::string::npos);
  CHECK(from_json<All>(deep).error().message.find("nested deeper") != std::string::npos);
  CHECK(from_json<All>(R"({"flag":true})", {.max_bytes = 12}).error().code == Errc::invalid);
  CHECK(from_json<All>(R"({"flag":true})", {.max_bytes = 13}));
}

TEST_CASE("codec: problems are the same from the text and by way of a DOM") {
  for (const std::string_view text :
       {R"({"flag":[1,{"a":2}],"i64":{"x":[]},"text":7})",
        R"({"flag":true,"items":[1,"2",[3]],"map":[1],"maybe":5})",
        R"({"flag":true,"colour":["red"],"delay":{},"u16":[70000],"number":[[]]})", "[[1],{}]",
        "7"}) {
    const Result<All> direct = from_json<All>(text);
    REQUIRE_FALSE(direct);
    CHECK(direct.error().message == problem(text));
  }
}
