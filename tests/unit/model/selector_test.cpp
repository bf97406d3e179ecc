#include "core/model/selector.h"

#include <map>
#include <random>
#include <string>
#include <tuple>

#include <doctest/doctest.h>
#include <fnmatch.h>

#include "core/model/limits.h"

using namespace roost;
using namespace roost::model;

namespace {

bool selects(std::string_view text, const TargetFacts& target) {
  const Result<Selector> selector = parse_selector(text);
  REQUIRE_MESSAGE(selector.has_value(), text);
  return matches(*selector, target);
}

const TargetFacts kApi{InstanceId{3}, "api-v1", "shop", 2};

}  // namespace

TEST_CASE("selector: each form selects what it names and nothing else") {
  const std::pair<const char*, bool> cases[] = {{"all", true},
                                                {"3", true},
                                                {"4", false},
                                                {"api-v1", true},
                                                {"api", false},
                                                {"API-V1", false},
                                                {"api-v1#2", true},
                                                {"api-v1#0", false},
                                                {"shop/api-v1", true},
                                                {"blog/api-v1", false},
                                                {"shop/api-v1#2", true},
                                                {"shop/api-v1#1", false},
                                                {"api-*", true},
                                                {"*", true},
                                                {"web-*", false},
                                                {"api-v?", true},
                                                {"api-v[0-3]", true},
                                                {"api-v[!0-3]", false},
                                                {"sh*/api-*", true},
                                                {"*/all", true},
                                                {"shop/all", true},
                                                {"blog/all", false},
                                                {"all#2", true},
                                                {"all#1", false},
                                                {"*#2", true},
                                                {"shop/*#2", true},
                                                {"003", true}};
  for (const auto& [text, expected] : cases) {
    CAPTURE(text);
    CHECK(selects(text, kApi) == expected);
  }
}

TEST_CASE("selector: malformed words are refused") {
  for (const char* text :
       {"", "a b", "#1", "api#", "api#x", "api#-1", "api#4294967296", "4294967296", "//", "/api",
        "api/", "a/b/c", "shop/3", "3#1", "-x", "a\x1b", "[\n]"}) {
    CAPTURE(text);
    const Result<Selector> selector = parse_selector(text);
    REQUIRE_FALSE(selector.has_value());
    CHECK(selector.error().code == Errc::invalid);
    CHECK(selector.error().message.find('\x1b') == std::string::npos);
    CHECK(selector.error().hint != "");
  }
  CHECK_FALSE(parse_selector(std::string(10'000, 'a')).has_value());
  CHECK_FALSE(parse_selector(std::string(10'000, '*')).has_value());
}

TEST_CASE("selector: an id and a name mean one thing, a glob may mean nothing") {
  CHECK(parse_selector("3")->is_exact());
  CHECK(parse_selector("api")->is_exact());
  CHECK_FALSE(parse_selector("a*")->is_exact());
  CHECK_FALSE(parse_selector("all")->is_exact());
}

TEST_CASE("selector: several at once, all mistakes in one error") {
  const std::vector<std::string> fine{"api", "3", "all"};
  REQUIRE(parse_selectors(fine).has_value());
  CHECK(parse_selectors(fine)->size() == 3);
  const std::vector<std::string> wrong{"a b", "api", "c#"};
  const auto result = parse_selectors(wrong);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().message ==
        "target 'a b': is not a name\ntarget 'c#': a number must follow '#'");
}

TEST_CASE("glob: sets, negation, ranges and literals") {
  const std::tuple<const char*, const char*, bool> cases[] = {
      {"", "", true},          {"", "a", false},         {"*", "", true},
      {"?", "", false},        {"a*b*c", "aXbYc", true}, {"a*b*c", "acb", false},
      {"**", "x", true},       {"*a", "aaab", false},    {"[]]", "]", true},
      {"[!]]", "]", false},    {"[^a]", "b", true},      {"[a-]", "-", true},
      {"[-a]", "-", true},     {"[", "[", true},         {"[a", "[a", true},
      {"a[", "a[", true},      {"[!", "[!", true},       {"[a-c]x", "bx", true},
      {"[a-c]x", "dx", false}, {"[z-a]", "m", false},    {"[a-cx-z]", "y", true}};
  for (const auto& [pattern, text, expected] : cases) {
    CAPTURE(pattern);
    CAPTURE(text);
    CHECK(glob_match(pattern, text) == expected);
  }
}

TEST_CASE("glob: agrees with fnmatch on random closed patterns") {
  std::mt19937 random(7);
  const std::string letters = "ab*?";
  const auto pick = [&](std::size_t n) { return random() % n; };
  for (int round = 0; round < 20'000; ++round) {
    std::string pattern;
    for (std::size_t i = pick(7); i > 0; --i)
      pattern += pick(5) == 0 ? "[!a]" : std::string(1, letters[pick(4)]);
    std::string text;
    for (std::size_t i = pick(8); i > 0; --i)
      text += letters[pick(2)];
    CAPTURE(pattern);
    CAPTURE(text);
    REQUIRE(glob_match(pattern, text) == (::fnmatch(pattern.c_str(), text.c_str(), 0) == 0));
  }
}

TEST_CASE("glob: many stars stay cheap") {
  std::string pattern;
  for (int i = 0; i < 100; ++i)
    pattern += "a*";
  CHECK_FALSE(glob_match(pattern + "b", std::string(5'000, 'a')));
}

TEST_CASE(
    "selector: an expression stands between slashes, and matches by what its owner makes of it") {
  auto selector = parse_selector("/^a.i$/");
  REQUIRE(selector);
  CHECK(selector->kind == Selector::Kind::regex);
  CHECK(selector->pattern == "^a.i$");
  CHECK_FALSE(selector->is_exact());
  const TargetFacts api{InstanceId{0}, "api", "default", 0};
  CHECK_FALSE(matches(*selector, api));
  selector->finds = [](std::string_view name) { return name == "api"; };
  CHECK(matches(*selector, api));
  CHECK_FALSE(matches(*selector, {InstanceId{1}, "web", "default", 0}));
}

TEST_CASE("selector: labels select what has all of them") {
  const std::map<std::string, std::string> labels{{"team", "web"}, {"tier", "a b"}};
  TargetFacts api{InstanceId{0}, "api", "default", 0};
  CHECK_FALSE(selects("team=web", api));
  api.labels = &labels;
  CHECK(selects("team=web", api));
  CHECK(selects("team=web,tier=a b", api));
  CHECK_FALSE(selects("team=web,tier=b", api));
  CHECK_FALSE(selects("team=", api));
  CHECK_FALSE(selects("other=web", api));
  for (const char* wrong : {"=", "=x", "team=web,tier", "a b=c", "team=a,team=b", "a=\x01"})
    CHECK_MESSAGE(!parse_selector(wrong), wrong);
  CHECK(parse_selector("a=" + std::string(limits::kMaxLabelBytes, 'x')));
  CHECK_FALSE(parse_selector("a=" + std::string(limits::kMaxLabelBytes + 1, 'x')));
}
