#include "core/model/watch_rules.h"

#include <doctest/doctest.h>

using namespace roost::model;

namespace {

bool ignores(const char* pattern, const char* path, bool directory = false) {
  WatchRules rules;
  rules.add(pattern);
  return rules.ignores(path, directory);
}

}  // namespace

TEST_CASE(
    "watch rules: a pattern without a slash fits at any depth, one with a slash from the root") {
  CHECK(ignores("*.tmp", "a.tmp"));
  CHECK(ignores("*.tmp", "a/b/c.tmp"));
  CHECK_FALSE(ignores("*.tmp", "a.tmp2"));
  CHECK(ignores("build", "x/build", true));
  CHECK(ignores("/build", "build"));
  CHECK_FALSE(ignores("/build", "x/build"));
  CHECK(ignores("./build", "build"));
  CHECK(ignores("a/b", "a/b"));
  CHECK_FALSE(ignores("a/b", "x/a/b"));
  CHECK_FALSE(ignores("a/*", "a/b/c"));
  CHECK(ignores("a/[bc]?", "a/b1"));
}

TEST_CASE("watch rules: a slash at the end means directories only") {
  CHECK(ignores("build/", "x/build", true));
  CHECK_FALSE(ignores("build/", "x/build", false));
}

TEST_CASE("watch rules: two stars are any number of directories") {
  CHECK(ignores("**/x", "x"));
  CHECK(ignores("**/x", "a/b/x"));
  CHECK(ignores("a/**/x", "a/x"));
  CHECK(ignores("a/**/x", "a/b/c/x"));
  CHECK_FALSE(ignores("a/**/x", "b/x"));
  CHECK(ignores("a/**", "a/b/c"));
  CHECK(ignores("a/**", "a", true));
  CHECK(ignores("a/**/b/**/c", "a/b/x/b/y/c"));
  CHECK_FALSE(ignores("a/**/b/**/c", "a/x/c"));
}

TEST_CASE("watch rules: the last one that fits decides") {
  WatchRules rules = WatchRules::usual();
  CHECK(rules.ignores("a/.git", true));
  CHECK(rules.ignores(".env", false));
  CHECK(rules.ignores("node_modules", true));
  CHECK(rules.ignores("x/logs", true));
  CHECK(rules.ignores("x/out.log", false));
  CHECK(rules.ignores("out.log.3", false));
  CHECK(rules.ignores("app.pid", false));
  CHECK_FALSE(rules.ignores("src/app.js", false));
  CHECK_FALSE(rules.ignores("logs", false));
  rules.add("!.env");
  rules.add("!logs/");
  CHECK_FALSE(rules.ignores(".env", false));
  CHECK_FALSE(rules.ignores("logs", true));
}

TEST_CASE("watch rules: lines of a .gitignore, and absolute patterns under the root") {
  WatchRules rules;
  rules.add_lines("# comment\n\n*.o\r\n/out/\n!keep.o\n\\#odd\n");
  CHECK(rules.ignores("a/b.o", false));
  CHECK_FALSE(rules.ignores("a/keep.o", false));
  CHECK(rules.ignores("out", true));
  CHECK_FALSE(rules.ignores("a/out", true));
  CHECK(rules.ignores("#odd", false));
  CHECK_FALSE(rules.ignores("comment", false));
  rules.add("/srv/app/tmp", "/srv/app");
  CHECK(rules.ignores("tmp", true));
  CHECK_FALSE(rules.ignores("x/tmp", true));
}
