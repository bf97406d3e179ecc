#include "config/dotenv.h"

#include <doctest/doctest.h>

using namespace roost;
using config::Variables;

namespace {

Variables parse(const std::string& text, const Variables& outer = {}) {
  auto parsed = config::parse_dotenv(".env", text, outer);
  REQUIRE_MESSAGE(parsed, parsed.error().message);
  return *parsed;
}

std::string fault(const std::string& text) {
  auto parsed = config::parse_dotenv(".env", text, {});
  REQUIRE(!parsed);
  return parsed.error().message;
}

}  // namespace

TEST_CASE("env file: plain values, comments, export, colons and empty ones") {
  CHECK(parse("A=1\n# no\n\n  export B = two words  # comment\nC=x# kept\nD=\nE: f\r\nF=#\n") ==
        Variables{
            {"A", "1"}, {"B", "two words"}, {"C", "x# kept"}, {"D", ""}, {"E", "f"}, {"F", ""}});
  CHECK(parse("\xef\xbb\xbf"
              "A=1") == Variables{{"A", "1"}});
  CHECK(parse("A=1\nA=2") == Variables{{"A", "2"}});
  CHECK(parse("URL=http://x/?a=b&c='d'") == Variables{{"URL", "http://x/?a=b&c='d'"}});
  CHECK(parse("").empty());
}

TEST_CASE("env file: quotes as compose has them") {
  CHECK(parse(R"(A='${B} \n $C' # c)") == Variables{{"A", R"(${B} \n $C)"}});
  CHECK(parse(R"(A='Let\'s go')") == Variables{{"A", "Let's go"}});
  CHECK(parse("A=\"a\\nb\\t\\\"\\\\\\$\\q # in\" # c\n") ==
        Variables{{"A", "a\nb\t\"\\$\\q # in"}});
  CHECK(parse("A='one\ntwo'\nB=\"x\ny\"\nC=3") ==
        Variables{{"A", "one\ntwo"}, {"B", "x\ny"}, {"C", "3"}});
}

TEST_CASE("env file: variables of the lines above, then of the environment") {
  const Variables outer{{"X", "outer"}, {"EMPTY", ""}};
  CHECK(parse("X=in\nA=${X}\nB=\"${X}-${N:-${X}}\"", outer) ==
        Variables{{"A", "in"}, {"B", "in-in"}, {"X", "in"}});
  CHECK(parse("A=${EMPTY:-d}${EMPTY-e}.$X.$$", outer) == Variables{{"A", "d.$X.$$"}});
  CHECK(parse("A=\"\\${X}\"", outer) == Variables{{"A", "${X}"}});
  CHECK(parse("X\nNOT_THERE\n", outer) == Variables{{"X", "outer"}});
}

TEST_CASE("env file: all faults, each with its place") {
  const std::string said = fault("A=1\nB C=2\n=3\nD=${NO}\nF=\"y\" z\nE='x\n");
  CHECK(said.find(".env:2:3: expected '=' behind 'B'") != std::string::npos);
  CHECK(said.find(".env:3:1: expected NAME=VALUE") != std::string::npos);
  CHECK(said.find(".env:4:3: variable 'NO' is not set") != std::string::npos);
  CHECK(said.find(".env:6:3: the quote ' is not closed") != std::string::npos);
  CHECK(said.find(".env:5:3: there is more behind the closing quote") != std::string::npos);
  CHECK(said.find("  3 | =*\n    | ^") != std::string::npos);
}
