#include "daemon/logs/run_tail.h"

#include <doctest/doctest.h>

#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

TEST_CASE("run tail: the last lines of a text, with and without a newline at the end") {
  CHECK(last_lines_of("a\nb\nc\n", 2) == "b\nc\n");
  CHECK(last_lines_of("a\nb\nc", 2) == "b\nc");
  CHECK(last_lines_of("a\n", 5) == "a\n");
  CHECK(last_lines_of("", 5).empty());
  CHECK(last_lines_of("a\nb\n", 0).empty());
  CHECK(last_lines_of("\n\n\n", 2) == "\n\n");
}

TEST_CASE("run tail: stays within the span, the bytes and the file") {
  TempDir dir;
  const LogTarget target{dir / "app.log", {}};
  std::ofstream(target.path) << "other\nfirst\nsecond\nthird\nlater\n";

  struct stat st {};

  REQUIRE(::stat(target.path.c_str(), &st) == 0);
  const FileId id = file_id(st);
  CHECK(read_run_tail(target, {id, 6, 25}, 10, 1000) == "first\nsecond\nthird\n");
  CHECK(read_run_tail(target, {id, 6, 0}, 2, 1000) == "third\nlater\n");
  CHECK(read_run_tail(target, {id, 6, 25}, 10, 10) == "third\n");
  CHECK(read_run_tail(target, {id, 6, 25}, 10, 4) == "ird\n");  // no line beginning within reach
  CHECK(read_run_tail(target, {FileId{1, 1}, 0, 0}, 10, 1000).empty());
  CHECK(read_run_tail(target, {id, 5000, 0}, 1, 1000) == "later\n");  // truncated meanwhile
}
