#include <doctest/doctest.h>

#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {
constexpr RunId kRun{7};
}  // namespace

TEST_CASE("files: after a truncation output goes on at the new end, without a hole") {
  PumpRig rig;
  const std::string path = rig.dir / "app.log";
  UniqueFd app = rig.attach(kRun, Stream::out, path);
  rig.write_and_wait(app, "0123456789");
  REQUIRE(::truncate(path.c_str(), 0) == 0);
  rig.write_and_wait(app, "new\n");
  CHECK(contents(path) == "new\n");
  REQUIRE(::truncate(path.c_str(), 2) == 0);
  rig.write_and_wait(app, "!");
  CHECK(contents(path) == "ne!");
  const auto marks = marks_of(path);
  REQUIRE_FALSE(marks.empty());
  for (const auto& mark : marks)
    CHECK(mark.offset <= 2);
}

TEST_CASE("files: what somebody else appends is not overwritten") {
  PumpRig rig;
  const std::string path = rig.dir / "app.log";
  UniqueFd app = rig.attach(kRun, Stream::out, path);
  rig.write_and_wait(app, "a\n");
  std::ofstream(path, std::ios::app) << "foreign\n";
  rig.write_and_wait(app, "b\n");
  CHECK(contents(path) == "a\nforeign\nb\n");
  const auto marks = marks_of(path);
  REQUIRE(marks.size() == 3);
  CHECK(marks[1].offset == 2);
  CHECK(marks[1].flags == model::kMarkEstimated);
}

TEST_CASE("files: renamed or deleted by others, the path is opened anew within about a second") {
  PumpRig rig;
  const std::string path = rig.dir / "app.log";
  UniqueFd app = rig.attach(kRun, Stream::out, path);
  for (const bool rename : {true, false}) {
    rig.write_and_wait(app, "x");
    if (rename) REQUIRE(::rename(path.c_str(), (path + ".1").c_str()) == 0);
    if (!rename) REQUIRE(::unlink(path.c_str()) == 0);
    CHECK(rig.wait([&] {
      write_all(app.get(), "y");
      return size_of(path) > 0;
    }));
  }
  CHECK(contents(path + ".1").starts_with("x"));
}

TEST_CASE("files: a new run writes to where the path leads, not to what it was a moment ago") {
  PumpRig rig;
  const std::string path = rig.dir / "app.log";
  UniqueFd app = rig.attach(kRun, Stream::out, path);
  rig.write_and_wait(app, "x");
  REQUIRE(::rename(path.c_str(), (path + ".1").c_str()) == 0);
  UniqueFd next = rig.attach(RunId{raw(kRun) + 1}, Stream::out, path);
  REQUIRE(write_all(next.get(), "y"));
  CHECK(rig.wait_size(path, 1));
  CHECK(contents(path + ".1") == "x");
}

TEST_CASE("files: reopen_files() after a rotation puts the next byte into the new file") {
  PumpRig rig;
  const std::string path = rig.dir / "app.log";
  UniqueFd app = rig.attach(kRun, Stream::out, path);
  rig.write_and_wait(app, "old");
  REQUIRE(::rename(path.c_str(), (path + ".1").c_str()) == 0);
  rig.pump->reopen_files();
  rig.tail(kRun, Stream::out, 1);  // the command has been carried out
  rig.write_and_wait(app, "new");
  CHECK(contents(path + ".1") == "old");
  CHECK(contents(path) == "new");
}

TEST_CASE("files: flush() empties what is open, and output goes on at the beginning") {
  PumpRig rig;
  const std::string path = rig.dir / "app.log";
  UniqueFd app = rig.attach(kRun, Stream::out, path);
  rig.write_and_wait(app, "old\n");
  const std::string other = rig.dir / "stopped.log";
  std::ofstream(other) << "12345";
  const std::string linked = rig.dir / "linked.log";
  REQUIRE(::symlink(other.c_str(), linked.c_str()) == 0);
  std::optional<FlushReport> report;
  rig.pump->flush(
      {{path, {}}, {other, {}}, {rig.dir / "none.log", {}}, {linked, {}}, {"/dev/null", {}}},
      [&](FlushReport done) { report = std::move(done); });
  REQUIRE(rig.wait([&] { return report.has_value(); }));
  CHECK(report->files == 3);
  CHECK(report->bytes == 9);
  REQUIRE(report->failed.size() == 1);
  CHECK(report->failed[0].path == linked);
  rig.write_and_wait(app, "new\n");
  CHECK(contents(path) == "new\n");
  for (const auto& mark : marks_of(path))
    CHECK(mark.offset == 0);
}

TEST_CASE("files: 600 files with 64 descriptors between them, every byte in its place") {
  PumpRig rig([](Pump::Options& o) { o.max_open_fds = 64; });
  constexpr int kFiles = 600;
  std::vector<UniqueFd> apps;
  for (int i = 0; i < kFiles; ++i)
    apps.push_back(rig.attach(RunId{static_cast<std::uint64_t>(i + 1)}, Stream::out,
                              rig.dir / ("app-" + std::to_string(i) + ".log")));
  std::uint64_t total = 0;
  std::size_t most_open = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < kFiles; ++i) {
      const std::string line = std::to_string(i) + ":" + std::to_string(round) + "\n";
      total += line.size();
      REQUIRE(write_all(apps[static_cast<std::size_t>(i)].get(), line));
    }
    REQUIRE(rig.wait([&] { return rig.pump->stats().bytes == total; }));
    most_open = std::max(most_open, open_below(rig.dir.path()));
  }
  CHECK(most_open <= 64);
  CHECK(rig.pump->stats().open_files <= 32);
  bool right = true;
  for (int i = 0; i < kFiles; ++i) {
    const std::string n = std::to_string(i);
    right =
        right && contents(rig.dir / ("app-" + n + ".log")) == n + ":0\n" + n + ":1\n" + n + ":2\n";
  }
  CHECK(right);
}

TEST_CASE(
    "files: a refused target is reported, its output discarded, and taken up again when it is "
    "cured") {
  PumpRig rig;
  const std::string path = rig.dir / "app.log";
  std::ofstream(rig.dir / "secret") << "untouched";
  REQUIRE(::symlink((rig.dir / "secret").c_str(), path.c_str()) == 0);
  UniqueFd app = rig.attach(kRun, Stream::out, path);
  REQUIRE(write_all(app.get(), "lost\n"));
  REQUIRE(rig.wait([&] { return rig.pump->stats().discarded == 5; }));
  REQUIRE(rig.wait([&] { return !rig.problems.empty(); }));
  CHECK(rig.problems[0].kind == LogProblem::Kind::discarding);
  CHECK(rig.problems[0].errnum == ELOOP);
  const auto seen = rig.pump->problems().find(path);
  REQUIRE(seen);
  CHECK(seen->kind == LogProblem::Kind::discarding);
  CHECK(seen->errnum == ELOOP);
  CHECK(contents(rig.dir / "secret") == "untouched");

  REQUIRE(::unlink(path.c_str()) == 0);
  REQUIRE(rig.wait([&] {
    write_all(app.get(), "kept\n");
    return size_of(path) > 0;
  }));
  REQUIRE(rig.wait([&] { return rig.problems.back().kind == LogProblem::Kind::resumed; }));
  CHECK(!rig.pump->problems().any());
  app.reset();
  const DrainReport report = rig.finish(kRun);
  CHECK(report.discarded >= 5);
  CHECK(report.out_bytes == size_of(path));
  CHECK(rig.problems.size() == 2);
}

TEST_CASE("files: what was refused is forgotten with the streams that went there") {
  PumpRig rig;
  const std::string path = rig.dir / "app.log";
  REQUIRE(::symlink((rig.dir / "secret").c_str(), path.c_str()) == 0);
  for (const RunId run : {RunId{1}, RunId{2}}) {
    UniqueFd app = rig.attach(run, Stream::out, path);
    REQUIRE(write_all(app.get(), "lost\n"));
    REQUIRE(rig.wait([&] { return rig.pump->problems().find(path).has_value(); }));
    app.reset();
    (void)rig.finish(run);
    REQUIRE(rig.wait([&] { return !rig.pump->problems().any(); }));
  }
}

TEST_CASE("files: out and err into one file alternate in the order of their marks") {
  PumpRig rig;
  const std::string path = rig.dir / "both.log";
  UniqueFd out = rig.attach(kRun, Stream::out, path);
  UniqueFd err = rig.attach(kRun, Stream::err, path);
  std::string expected;
  for (int i = 0; i < 10; ++i) {
    const std::string line = std::to_string(i) + "\n";
    rig.write_and_wait(i % 2 == 0 ? out : err, line);
    expected += line;
  }
  CHECK(contents(path) == expected);
  const auto marks = marks_of(path);
  REQUIRE_FALSE(marks.empty());
  for (std::size_t i = 1; i < marks.size(); ++i) {
    CHECK(marks[i].offset > marks[i - 1].offset);
    CHECK(marks[i].seq > marks[i - 1].seq);
  }
}
