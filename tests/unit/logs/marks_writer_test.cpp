#include "daemon/logs/marks_writer.h"

#include <doctest/doctest.h>

#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {
model::Mark mark_at(std::uint64_t offset) {
  model::Mark mark;
  mark.offset = offset;
  mark.seq = offset + 1;
  mark.wall_ns = static_cast<std::int64_t>(offset + 1000);
  mark.run_tag = 5;
  return mark;
}

struct Rig {
  TempDir dir;
  LogTarget target{dir / "app.log", {}};

  [[nodiscard]] OpenedLog log(std::uint64_t size) const {
    OpenedLog result;
    result.id = FileId{1, 2};
    result.size = size;
    result.modified_ns = 77;
    return result;
  }
};
}  // namespace

TEST_CASE("marks: appended, they are found again after a restart, and go on") {
  Rig rig;
  MarksWriter first;
  first.open(rig.target, rig.log(0));
  for (const std::uint64_t offset : {0U, 10U, 30U})
    first.add(mark_at(offset));
  MarksWriter second;
  second.open(rig.target, rig.log(40));
  CHECK(second.last_seq() == 31);
  second.add(mark_at(40));
  const auto marks = marks_of(rig.target.path);
  REQUIRE(marks.size() == 4);
  CHECK(marks[3].offset == 40);
}

TEST_CASE("marks: one at the offset of the last replaces it") {
  Rig rig;
  MarksWriter writer;
  writer.open(rig.target, rig.log(0));
  writer.add(mark_at(0));
  model::Mark again = mark_at(0);
  again.wall_ns = 9;
  writer.add(again);
  const auto marks = marks_of(rig.target.path);
  REQUIRE(marks.size() == 1);
  CHECK(marks[0].wall_ns == 9);
}

TEST_CASE("marks: a log with bytes and no sidecar gets one estimated mark with the file's time") {
  Rig rig;
  MarksWriter writer;
  writer.open(rig.target, rig.log(100));
  const auto marks = marks_of(rig.target.path);
  REQUIRE(marks.size() == 1);
  CHECK(marks[0].offset == 0);
  CHECK(marks[0].wall_ns == 77);
  CHECK(marks[0].flags == model::kMarkEstimated);
}

TEST_CASE("marks: of another file, garbage, or a torn end are not believed") {
  Rig rig;
  MarksWriter writer;
  writer.open(rig.target, rig.log(0));
  writer.add(mark_at(0));
  writer.add(mark_at(10));
  SUBCASE("another inode") {
    OpenedLog other = rig.log(0);
    other.id.inode = 3;
    writer.open(rig.target, other);
    CHECK(marks_of(rig.target.path).empty());
  }
  SUBCASE("garbage") {
    std::ofstream(rig.target.path + ".marks") << std::string(500, 'g');
    writer.open(rig.target, rig.log(0));
    CHECK(marks_of(rig.target.path).empty());
  }
  SUBCASE("a torn record") {
    std::ofstream(rig.target.path + ".marks", std::ios::app) << "torn";
    writer.open(rig.target, rig.log(20));
    writer.add(mark_at(20));
    const auto marks = marks_of(rig.target.path);
    REQUIRE(marks.size() == 3);
    CHECK(marks[2].offset == 20);
  }
  SUBCASE("offsets beyond the log") {
    writer.open(rig.target, rig.log(5));
    CHECK(marks_of(rig.target.path).size() == 1);
  }
  SUBCASE("zeros at the end") {
    std::ofstream(rig.target.path + ".marks", std::ios::app) << std::string(64, '\0');
    writer.open(rig.target, rig.log(20));
    CHECK(writer.last_seq() == 11);
  }
}

TEST_CASE(
    "marks: the sidecar stays below its limit; old marks get sparser, the newest stay complete") {
  Rig rig;
  constexpr std::uint64_t kLimit = 64 + 100 * 32;
  MarksWriter writer(kLimit);
  writer.open(rig.target, rig.log(0));
  for (std::uint64_t i = 0; i < 1000; ++i) {
    writer.add(mark_at(i * 10));
    CHECK(size_of(rig.target.path + ".marks") <= kLimit);
  }
  const auto marks = marks_of(rig.target.path);
  CHECK(marks.size() > 50);
  CHECK(marks.front().offset == 0);
  CHECK(marks.back().offset == 9990);
  for (std::size_t i = 1; i < marks.size(); ++i)
    CHECK(marks[i].offset > marks[i - 1].offset);
  const std::size_t n = marks.size();
  for (std::size_t i = n - 10; i < n; ++i)
    CHECK(marks[i].offset - marks[i - 1].offset == 10);
}

TEST_CASE("marks: a sidecar that is a symbolic link is not written through") {
  Rig rig;
  std::ofstream(rig.dir / "secret") << "untouched";
  REQUIRE(::symlink((rig.dir / "secret").c_str(), (rig.target.path + ".marks").c_str()) == 0);
  MarksWriter writer;
  writer.open(rig.target, rig.log(0));
  writer.add(mark_at(0));
  CHECK(contents(rig.dir / "secret") == "untouched");
}

TEST_CASE("marks: the first mark of a run is found") {
  Rig rig;
  MarksWriter writer;
  writer.open(rig.target, rig.log(0));
  writer.add(mark_at(0));
  model::Mark other = mark_at(50);
  other.run_tag = 6;
  writer.add(other);
  other.offset = 60;
  writer.add(other);
  CHECK(find_run_begin(rig.target.path, FileId{1, 2}, 6) == 50);
  CHECK_FALSE(find_run_begin(rig.target.path, FileId{1, 2}, 7));
  CHECK_FALSE(find_run_begin(rig.target.path, FileId{9, 9}, 6));
}
