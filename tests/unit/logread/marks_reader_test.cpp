#include "cli/logs/marks_reader.h"

#include <doctest/doctest.h>

#include "daemon/logs/marks_writer.h"
#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::cli;
using roost::daemon::test::TempDir;

namespace {
struct Rig {
  TempDir dir;
  daemon::LogTarget target{dir / "app.log", {}};
  daemon::MarksWriter writer;

  explicit Rig(std::uint64_t max_bytes = daemon::MarksWriter::kMaxBytes) : writer(max_bytes) {
    daemon::OpenedLog log;
    log.id = {1, 2};
    writer.open(target, log);
  }

  void add(std::uint64_t offset) {
    model::Mark mark;
    mark.offset = offset;
    mark.wall_ns = static_cast<std::int64_t>(offset) + 1;
    mark.seq = offset + 1;
    writer.add(mark);
  }
};
}  // namespace

TEST_CASE("marks reader: the mark at or before an offset, in any order of asking") {
  Rig rig;
  for (std::uint64_t i = 1; i <= 5000; ++i)
    rig.add(i * 10);
  MarksReader reader(rig.target.path, 1, 2);
  CHECK_FALSE(reader.at(9));
  CHECK(reader.at(10)->offset == 10);
  CHECK(reader.at(1'000'000)->offset == 50'000);
  bool right = true;
  for (std::uint64_t offset = 60'000; offset >= 10; offset -= 7)
    right = right && reader.at(offset)->offset == std::min<std::uint64_t>(offset / 10 * 10, 50'000);
  for (std::uint64_t offset = 10; offset < 60'000; offset += 13)
    right = right && reader.at(offset)->offset == std::min<std::uint64_t>(offset / 10 * 10, 50'000);
  CHECK(right);
}

TEST_CASE(
    "marks reader: sees marks that are added, and those of a sidecar that was thinned and "
    "replaced") {
  Rig rig(64 + 64 * 32);
  MarksReader reader(rig.target.path, 1, 2);
  CHECK_FALSE(reader.at(5));
  for (std::uint64_t i = 0; i < 500; ++i) {
    rig.add(i * 10);
    CHECK(reader.at(i * 10 + 5)->offset == i * 10);
  }
}

TEST_CASE("marks reader: no sidecar, or that of another file: no marks") {
  Rig rig;
  rig.add(0);
  CHECK_FALSE(MarksReader(rig.target.path, 1, 3).at(5));
  CHECK_FALSE(MarksReader(rig.dir / "none.log", 1, 2).at(5));
}
