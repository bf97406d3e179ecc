#include "config/expand.h"

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::config;

namespace {

Result<std::string> expanded(std::string_view text) {
  const Lookup lookup = [](const std::string& name) -> std::optional<std::string> {
    if (name == "A") return "a";
    if (name == "EMPTY") return "";
    return std::nullopt;
  };
  return expand(text, lookup, Dollars::escaped);
}

}  // namespace

TEST_CASE("expansion: variables, defaults, and what is left alone") {
  CHECK(*expanded("x${A}y") == "xay");
  CHECK(*expanded("${NO:-d}${EMPTY:-e}${EMPTY-f}${NO-}") == "de");
  CHECK(*expanded("${NO:-${A}}${NO:-{x}") == "a{x");
  CHECK(*expanded("$A $1 $(x) $") == "$A $1 $(x) $");
  CHECK(*expanded("$${A} $$") == "${A} $");
}

TEST_CASE("expansion: what is wrong is said") {
  CHECK(expanded("${NO}").error().message == "variable 'NO' is not set");
  CHECK(expanded("${A").error().message == "'${' has no '}'");
  CHECK(expanded("${f%.js}").error().hint == "write $${ for ${ itself");
  CHECK_FALSE(expanded("${}"));
  CHECK_FALSE(expanded("${1}"));
}

TEST_CASE("expansion: every text of a document, with its place") {
  auto document =
      parse_document("f.toml", "a = \"${A}\"\n[b]\nc = [\"$$\", \"${NO}\"]\n", Format::toml);
  REQUIRE(document);
  const auto problems = expand_texts(*document, {{"A", "1"}});
  CHECK(document->root.find("a")->string == "1");
  CHECK(document->root.find("b")->find("c")->items[0].string == "$");
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].at.line == 3);
  CHECK(problems[0].at.column == 12);
}
