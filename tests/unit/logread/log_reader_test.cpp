#include "cli/logs/log_reader.h"

#include <doctest/doctest.h>

#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::cli;
using namespace roost::daemon::test;
using daemon::RunId;
using model::Stream;

namespace {
// Writes through a pump, one batch after the other, so that every line has a mark of its own.
struct Written {
  PumpRig rig;
  std::map<std::string, UniqueFd> apps;
  std::map<std::string, TimePoint> written;  // when each file got its last line
  std::uint64_t runs = 0;

  void write(const std::string& name, Stream stream, const std::string& text) {
    const std::string key = name + (stream == Stream::out ? ":out" : ":err");
    if (!apps.contains(key)) apps[key] = rig.attach(RunId{++runs}, stream, rig.dir / name);
    // Each write is to have a mark of its own: one file gets at most one in four milliseconds.
    REQUIRE(rig.wait([&] { return Monotonic::now() - written[key] > 5ms; }));
    const auto bytes = rig.pump->stats().bytes + text.size();
    REQUIRE(write_all(apps[key].get(), text));
    REQUIRE(rig.wait([&] { return rig.pump->stats().bytes == bytes; }));
    written[key] = Monotonic::now();
  }

  [[nodiscard]] LogSource source(const std::string& label, const std::string& out,
                                 const std::string& err) const {
    return LogSource{label, rig.dir / out, rig.dir / err};
  }
};

std::vector<std::string> lines_of(LogReader& reader, std::size_t n) {
  std::vector<std::string> lines;
  CHECK(reader.last_lines(n, [&](const LogLine& line) {
    lines.push_back(reader.sources()[line.source].label +
                    (line.stream == Stream::out ? " out " : " err ") + std::string(line.text) +
                    (line.ended ? "" : "~"));
  }));
  return lines;
}

using Lines = std::vector<std::string>;
}  // namespace

TEST_CASE("log reader: stdout and stderr of several instances in the order they were received") {
  Written w;
  Lines expected;
  for (int i = 0; i < 12; ++i) {
    const std::string app = i % 3 == 0 ? "a" : "b";
    const Stream stream = i % 2 == 0 ? Stream::out : Stream::err;
    const std::string text = std::to_string(i);
    w.write(app + (stream == Stream::out ? "-out.log" : "-err.log"), stream, text + "\n");
    expected.push_back(app + (stream == Stream::out ? " out " : " err ") + text);
  }
  LogReader reader(
      {w.source("a", "a-out.log", "a-err.log"), w.source("b", "b-out.log", "b-err.log")}, {});
  CHECK(lines_of(reader, 100) == expected);
  CHECK(lines_of(reader, 1) == Lines{"a err 9", "b err 11"});
  CHECK(lines_of(reader, 0).empty());
  LogReader only_err({w.source("a", "a-out.log", "a-err.log")}, {.out = false, .err = true});
  CHECK(lines_of(only_err, 100) == Lines{"a err 3", "a err 9"});
}

TEST_CASE("log reader: of a file of several instances, each line is that of its instance, once") {
  PumpRig rig;
  const std::string path = rig.dir / "all.log";
  std::map<std::uint32_t, UniqueFd> apps;
  std::uint64_t bytes = 0;
  for (const std::uint32_t slot : {0U, 2U, 0U, 1U, 2U}) {
    if (!apps.contains(slot)) {
      TestPipe pipe;
      daemon::LogTarget target{.path = path, .owner = {}};
      target.lines = model::LineRule{.slot = slot};
      rig.pump->attach(RunId{slot + 1}, Stream::out, std::move(pipe.in), std::move(target));
      apps[slot] = std::move(pipe.out);
    }
    REQUIRE(write_all(apps[slot].get(), std::to_string(slot) + "\n"));
    bytes += 2;
    REQUIRE(rig.wait([&] { return rig.pump->stats().bytes == bytes; }));
  }
  const auto source = [&](std::uint32_t slot) {
    return LogSource{"a" + std::to_string(slot), path, rig.dir / "err.log", slot};
  };
  LogReader all({source(0), source(1), source(2)}, {});
  CHECK(lines_of(all, 100) == Lines{"a0 out 0", "a2 out 2", "a0 out 0", "a1 out 1", "a2 out 2"});
  CHECK(lines_of(all, 2) == Lines{"a1 out 1", "a2 out 2"});
  LogReader one({source(2)}, {});
  CHECK(lines_of(one, 100) == Lines{"a2 out 2", "a2 out 2"});
}

TEST_CASE("log reader: lines have the time of their receipt") {
  Written w;
  const std::int64_t before = wall_now_ms() * 1'000'000;
  w.write("a.log", Stream::out, "x\n");
  const std::int64_t after = (wall_now_ms() + 1) * 1'000'000;
  LogReader reader({w.source("a", "a.log", "")}, {});
  int seen = 0;
  CHECK(reader.last_lines(5, [&](const LogLine& line) {
    ++seen;
    CHECK(line.wall_ns >= before);
    CHECK(line.wall_ns <= after);
    CHECK_FALSE(line.estimated);
  }));
  CHECK(seen == 1);
}

TEST_CASE("log reader: files without marks, or missing, are read as well, in order") {
  TempDir dir;
  std::ofstream(dir / "a.log") << "1\n2\n3";
  LogReader reader({LogSource{"a", dir / "a.log", dir / "missing.log"},
                    LogSource{"n", "/dev/null", "/dev/null"}},
                   {});
  CHECK(lines_of(reader, 2) == Lines{"a out 2", "a out 3~"});
  CHECK(reader.positions().size() == 3);
  CHECK(reader.positions()[0].offset == 5);
  CHECK(reader.positions()[1].inode == 0);
}

TEST_CASE(
    "log reader: one file for both streams is read once, and its lines told apart by their marks") {
  Written w;
  for (int i = 0; i < 6; ++i) {
    // A mark needs a millisecond after the one before it.
    const auto until = Monotonic::now() + 2ms;
    w.rig.wait([&] { return Monotonic::now() >= until; });
    w.write("both.log", i % 2 == 0 ? Stream::out : Stream::err, std::to_string(i) + "\n");
  }
  LogReader all({w.source("a", "both.log", "both.log")}, {});
  CHECK(lines_of(all, 4) == Lines{"a out 2", "a err 3", "a out 4", "a err 5"});
  LogReader err({w.source("a", "both.log", "both.log")}, {.out = false, .err = true});
  CHECK(lines_of(err, 2) == Lines{"a err 3", "a err 5"});
}

TEST_CASE("log reader: a giant line is shown cut, the bytes mode gives all of it") {
  TempDir dir;
  const std::string giant(3U << 20, 'g');
  std::ofstream(dir / "a.log") << "first\n" << giant << "\nlast\n";
  LogReader reader({LogSource{"a", dir / "a.log", ""}}, {});
  const Lines lines = lines_of(reader, 2);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].size() < kMaxShownLine + 60);
  CHECK(lines[0].ends_with("bytes]"));
  std::string bytes;
  CHECK(reader.last_bytes(2, [&](std::size_t, Stream, std::string_view piece) { bytes += piece; }));
  CHECK(bytes == giant + "\nlast\n");
}

TEST_CASE("log reader: what may not be read is an error with its path, the rest is shown") {
  if (::geteuid() == 0) {
    // root may read everything: a loop of links is what root cannot open
    TempDir dir;
    REQUIRE(::symlink("loop.log", (dir / "loop.log").c_str()) == 0);
    std::ofstream(dir / "a.log") << "1\n";
    LogReader reader({LogSource{"l", dir / "loop.log", ""}, LogSource{"a", dir / "a.log", ""}}, {});
    int seen = 0;
    const Status status = reader.last_lines(5, [&](const LogLine&) { ++seen; });
    REQUIRE_FALSE(status);
    CHECK(status.error().message.find("loop.log") != std::string::npos);
    CHECK(seen == 1);
  }
}
