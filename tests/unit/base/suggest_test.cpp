#include "core/base/suggest.h"

#include <array>

#include <doctest/doctest.h>

using namespace roost;

TEST_CASE("suggest: edit distance counts insertions, deletions, replacements and swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("list", "lsit") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("restart", "restat") == 1);
}

TEST_CASE("suggest: words longer than the table are cut, not overrun") {
  const std::string a(10'000, 'a');
  CHECK(edit_distance(a, std::string(10'000, 'b')) == 64);
}

TEST_CASE("suggest: the nearest word is named only when it is near") {
  constexpr std::array<std::string_view, 4> kKnown{"start", "stop", "restart", "instances"};
  CHECK(nearest("strat", kKnown) == "start");
  CHECK(nearest("instance", kKnown) == "instances");
  CHECK(nearest("banana", kKnown).empty());
  CHECK(nearest("", kKnown).empty());
  CHECK(did_you_mean("stopp", kKnown) == "did you mean 'stop'?");
  CHECK(did_you_mean("xyz", kKnown).empty());
}
