#include <doctest/doctest.h>

#include "cli/app_builder.h"
#include "core/model/limits.h"

namespace roost::cli {

using Words = std::vector<std::string>;

TEST_CASE("names: made of a path without extension") {
  CHECK(default_name("/srv/app.js") == "app");
  CHECK(default_name("server") == "server");
  CHECK(default_name("/srv/my app (2).py") == "my-app-2");
  CHECK(default_name(".env.sh") == ".env");
  CHECK(default_name("a.b.js") == "a.b");
}

TEST_CASE("names: always valid") {
  for (const char* text : {"", "all", "42", "---", "日本", "-x", "a/b", "*", "x#1", "a  b", "  "}) {
    const auto name = make_name(text);
    CHECK_MESSAGE(model::validate_name(name), name);
  }
  CHECK(make_name("42") == "app-42");
  CHECK(make_name("all") == "app-all");
  CHECK(make_name(std::string(500, 'x')).size() == model::limits::kMaxNameBytes);
}

TEST_CASE("names: of a shell line, that of its program") {
  CHECK(default_shell_name("npm run dev") == "npm");
  CHECK(default_shell_name("PORT=3 exec /usr/bin/node a.js") == "node");
  CHECK(default_shell_name("'my tool' x") == "my-tool");
  CHECK(default_shell_name("A=1") == "app");
}

TEST_CASE("words: split at blanks, quotes kept together") {
  CHECK(split_words("a  b\tc") == Words{"a", "b", "c"});
  CHECK(split_words("--x='a b' \"c d\"") == Words{"--x=a b", "c d"});
  CHECK(split_words("a\\ b '\\n'") == Words{"a b", "\\n"});
  CHECK(split_words("'' x") == Words{"", "x"});
  CHECK(split_words("  ").empty());
}

TEST_CASE("instances: a number, max, or what is left of the processors") {
  CHECK(*parse_instances("3", 8) == 3);
  CHECK(*parse_instances("max", 8) == 8);
  CHECK(*parse_instances("0", 8) == 8);
  CHECK(*parse_instances("-1", 8) == 7);
  CHECK(*parse_instances("-100", 8) == 1);
  for (const char* text : {"", "x", "1.5", "-", "--1", "99999999"})
    CHECK_MESSAGE(!parse_instances(text, 8), text);
}

}  // namespace roost::cli
