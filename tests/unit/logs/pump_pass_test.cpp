#include <doctest/doctest.h>

#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {
constexpr RunId kFirst{7};
constexpr RunId kSecond{8};
}  // namespace

TEST_CASE("pass: each run has its own words, marks and end") {
  PumpRig rig;
  const std::string path = rig.dir / "app.log";
  UniqueFd out = rig.attach(kFirst, Stream::out, path);
  UniqueFd err = rig.attach(kFirst, Stream::err, rig.dir / "err.log");
  rig.write_and_wait(out, "a\nb\n");
  rig.pump->pass_on(kFirst, kSecond);
  rig.write_and_wait(out, "c\n");
  CHECK(contents(path) == "a\nb\nc\n");
  CHECK(rig.tail(kFirst, Stream::out, 9) == "a\nb\n");
  CHECK(rig.tail(kSecond, Stream::out, 9) == "c\n");
  CHECK(rig.tail(kSecond, Stream::err, 9).empty());
  const auto marks = marks_of(path);
  REQUIRE(marks.size() >= 2);
  CHECK(marks.front().run_tag == model::run_tag(kFirst));
  CHECK(marks.back().run_tag == model::run_tag(kSecond));
  CHECK(marks.back().offset == 4);
  CHECK(rig.drained.empty());
  rig.pump->expect_end(kSecond);
  out.reset();
  err.reset();
  REQUIRE(rig.wait([&] { return !rig.drained.empty(); }));
  REQUIRE(rig.drained.size() == 1);
  CHECK(rig.drained.begin()->first == kSecond);
  CHECK(rig.drained.begin()->second.out_bytes == 2);
}

TEST_CASE("pass: many in a row without a word, and the next one writes to where the path leads") {
  PumpRig rig;
  const std::string path = rig.dir / "app.log";
  UniqueFd out = rig.attach(kFirst, Stream::out, path);
  rig.write_and_wait(out, "x");
  for (std::uint64_t i = 0; i < 300; ++i)
    rig.pump->pass_on(RunId{raw(kFirst) + i}, RunId{raw(kSecond) + i});
  REQUIRE(::rename(path.c_str(), (path + ".1").c_str()) == 0);
  REQUIRE(write_all(out.get(), "y"));
  CHECK(rig.wait_size(path, 1));
  CHECK(contents(path + ".1") == "x");
  CHECK(rig.pump->stats().streams == 1);
}

TEST_CASE("pass: before the thread has seen the first, and to one that ends at once") {
  PumpRig rig;
  UniqueFd out = rig.attach(kFirst, Stream::out, rig.dir / "app.log");
  rig.pump->pass_on(kFirst, kSecond);
  out.reset();
  rig.pump->finish(kSecond);
  REQUIRE(rig.wait([&] { return rig.drained.contains(kSecond); }));
  CHECK(rig.drained.size() == 1);
}
