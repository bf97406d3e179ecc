#include "core/base/json.h"

#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace roost;

namespace {

std::string problem(std::string_view text, const JsonLimits& limits = {}) {
  const Result<JsonValue> json = parse_json(text, limits);
  return json ? "" : json.error().message;
}

std::string rewritten(std::string_view text) {
  const Result<JsonValue> json = parse_json(text);
  REQUIRE_MESSAGE(json, json.error().message);
  std::string out;
  JsonWriter writer(out);
  write_json(writer, json->root());
  return out;
}

}  // namespace

TEST_CASE("json: values of all types are read") {
  const Result<JsonValue> json = parse_json(
      R"( {"n":null,"t":true,"f":false,"i":-42,"u":18446744073709551615,"d":1.5e2,"s":"x","a":[1,[2,3],4],"o":{"k":{}}} )");
  REQUIRE(json);
  const JsonRef root = json->root();
  CHECK(root.size() == 9);
  CHECK(root.find("n").type() == JsonType::null);
  CHECK(root.find("t").as_bool() == true);
  CHECK(root.find("f").as_bool() == false);
  CHECK(root.find("i").as_int64() == -42);
  CHECK_FALSE(root.find("i").as_uint64());
  CHECK(root.find("i").as_double() == -42.0);
  CHECK(root.find("u").as_uint64() == 18446744073709551615U);
  CHECK_FALSE(root.find("u").as_int64());
  CHECK(root.find("d").as_double() == 150.0);
  CHECK_FALSE(root.find("d").as_int64());
  CHECK(root.find("s").as_string() == "x");
  CHECK(root.find("a").size() == 3);
  CHECK(root.find("a").at(1).at(1).as_int64() == 3);
  CHECK(root.find("a").at(2).as_int64() == 4);
  CHECK_FALSE(root.find("a").at(3));
  CHECK(root.find("o").find("k").type() == JsonType::object);
  CHECK_FALSE(root.find("none"));
  CHECK_FALSE(root.find("none").find("deeper").as_string());
}

TEST_CASE("json: children are visited in the order of the text, and names belong to members") {
  const Result<JsonValue> json = parse_json(R"({"b":[{}],"a":{"x":1},"c":3})");
  std::string names;
  json->root().for_each([&names](JsonRef member) { names += member.key(); });
  CHECK(names == "bac");
}

TEST_CASE("json: a view survives the move of its value") {
  Result<JsonValue> json = parse_json(R"(["short"])");
  const JsonRef item = json->root().at(0);
  const JsonValue moved = std::move(*json);
  CHECK(item.as_string() == "short");
}

TEST_CASE("json: escapes are decoded, in place and in long strings") {
  CHECK(parse_json(R"("a\"\\\/\b\f\n\r\tz")")->root().as_string() == "a\"\\/\b\f\n\r\tz");
  CHECK(parse_json(R"("\u00e9\u20ac\ud83d\ude80 end")")->root().as_string() == "é€🚀 end");
  CHECK(
      parse_json(R"("0123456789\n0123456789\n0123456789 plain to the end")")->root().as_string() ==
      "0123456789\n0123456789\n0123456789 plain to the end");
  CHECK(parse_json("\"grün €🚀\"")->root().as_string() == "grün €🚀");
}

TEST_CASE("json: numbers at the borders of the integer types") {
  CHECK(parse_json("9223372036854775807")->root().as_int64() == INT64_MAX);
  CHECK(parse_json("-9223372036854775808")->root().as_int64() == INT64_MIN);
  CHECK(parse_json("9223372036854775808")->root().type() == JsonType::unsigned_integer);
  CHECK(parse_json("18446744073709551616")->root().type() == JsonType::number);
  CHECK(parse_json("-9223372036854775809")->root().as_double() == -9223372036854775808.0);
  CHECK(parse_json("999999999999999999")->root().as_int64() == 999999999999999999);
  CHECK(parse_json("-0")->root().as_int64() == 0);
  CHECK(parse_json("1e-999")->root().as_double() == 0.0);
  CHECK(problem("1e999") == "line 1, column 6: number out of range");
  CHECK(problem(std::string(400, '9') + ".5e-1").find("out of range") != std::string::npos);
}

TEST_CASE("json: malformed text is refused, with the place and what was expected") {
  CHECK(problem("") == "line 1, column 1: expected a value, got the end");
  CHECK(problem("{\n  \"a\": 1,\n  \"b\": x\n}") == "line 3, column 8: expected a value, got 'x'");
  CHECK(problem("{\"a\" 1}") == "line 1, column 6: expected ':' after a member's name, got '1'");
  CHECK(problem("[1 2]") == "line 1, column 4: expected ',' or ']' after an item, got '2'");
  CHECK(problem("{\"a\":1") == "line 1, column 7: expected ',' or '}' after a member, got the end");
  CHECK(problem("[1,]") == "line 1, column 4: expected a value, got ']'");
  CHECK(problem("{,}") == "line 1, column 2: expected a member's name in double quotes, got ','");
  CHECK(problem("1 1") == "line 1, column 3: expected the end, got '1'");
  CHECK(problem("[\x01]") == "line 1, column 2: expected a value, got byte 0x01");
  for (const std::string_view bad : {"01",
                                     "-",
                                     "1.",
                                     ".5",
                                     "1e",
                                     "+1",
                                     "0x10",
                                     "nul",
                                     "tru",
                                     "falsey",
                                     "'a'",
                                     "\"abc",
                                     "\"\\x\"",
                                     "\"\\u12\"",
                                     "\"\\u12G4\"",
                                     "\"\\ud800\"",
                                     "\"\\ud800\\u0041\"",
                                     "\"\\udc00\"",
                                     "\"\n\"",
                                     "\"\xff\"",
                                     "\"\xe2\x82\"",
                                     "\"abc\\",
                                     "\"\\u",
                                     "[",
                                     "{",
                                     "{\"a\"",
                                     "{\"a\":",
                                     "]",
                                     "}",
                                     "NaN",
                                     "Infinity",
                                     "// x\n1",
                                     "\xEF\xBB\xBF{}"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_json(bad));
  }
}

TEST_CASE("json: NUL in strings and names used twice are refused") {
  using namespace std::string_view_literals;
  CHECK(problem(R"(["\u0000"])").find("NUL") != std::string::npos);
  CHECK_FALSE(parse_json("\"a\0b\""sv));
  CHECK_FALSE(parse_json("\0"sv));
  CHECK(problem(R"({"a":1,"b":2,"a":3})").find("column 14: 'a' stands here twice") !=
        std::string::npos);
  CHECK(problem(R"({"a":1,"\u0061":3})").find("'a' stands here twice") != std::string::npos);
  CHECK(problem(R"({"":1,"":3})").find("'' stands here twice") != std::string::npos);
  CHECK(problem(R"({"a":{"a":1},"b":{"a":1}})").empty());
}

TEST_CASE("json: a hostile object of many members is checked for doubles in good time") {
  std::string text = "{";
  for (int i = 0; i < 60'000; ++i)
    text += "\"k" + std::to_string(i) + "\":0,";
  CHECK(problem(text + "\"z\":0}").empty());
  CHECK(problem(text + "\"k77\":0}").find("'k77' stands here twice") != std::string::npos);
}

TEST_CASE("json: the limits of depth, bytes and values hold") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(problem(nested(64)).empty());
  CHECK(problem(nested(65)) == "line 1, column 66: nested deeper than 64 levels");
  CHECK_FALSE(parse_json(std::string(1'000'000, '[')));
  CHECK_FALSE(parse_json(nested(1'000), JsonLimits{.max_depth = 999}));
  CHECK_FALSE(parse_json("\"0123456789\"", JsonLimits{.max_bytes = 11}));
  CHECK(parse_json("\"0123456789\"", JsonLimits{.max_bytes = 12}));
  CHECK_FALSE(parse_json("[1,2,3]", JsonLimits{.max_values = 3}));
  CHECK(parse_json("[1,2,3]", JsonLimits{.max_values = 4}));
}

TEST_CASE("json: text cut at any byte is refused, never read beyond its end") {
  const std::string text = R"({"a":[1.5e3,"\u20ac x",null,true],"b":{"c":"0123456789abcdef"}})";
  for (std::size_t length = 0; length < text.size(); ++length) {
    const std::vector<char> exact(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length));
    CHECK_FALSE(parse_json({exact.data(), exact.size()}));
  }
}

TEST_CASE(
    "json: writing what was read gives the same value, also by the judgement of another library") {
  for (const std::string_view text :
       {R"({"a":[1,-2,3.25,"x\ny",null,true,false,{}],"b":{"c":[[]]}})",
        R"([18446744073709551615,1e300,-0.5])", R"("\u0001\u001f")"}) {
    const std::string again = rewritten(text);
    CHECK(rewritten(again) == again);
    CHECK(nlohmann::json::parse(again) == nlohmann::json::parse(text));
  }
}
