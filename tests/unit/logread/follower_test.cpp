#include "cli/logs/follower.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/inotify.h>

#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::cli;
using namespace roost::daemon::test;
using daemon::RunId;
using model::Stream;

namespace {
struct Following {
  std::string text;  // lines, pieces end in "~"
  std::string bytes;
  std::vector<std::int64_t> times;
  std::unique_ptr<Follower> follower;

  void start(std::vector<LogPosition> positions) {
    follower = std::make_unique<Follower>(std::move(positions),
                                          Follower::Output{[this](const LogLine& line) {
                                                             text += std::string(line.text) +
                                                                     (line.ended ? "\n" : "~");
                                                             times.push_back(line.wall_ns);
                                                           },
                                                           {}});
    REQUIRE(follower->start());
  }

  void start_raw(std::vector<LogPosition> positions) {
    follower = std::make_unique<Follower>(
        std::move(positions),
        Follower::Output{{},
                         [this](std::size_t, Stream, std::string_view piece) { bytes += piece; }});
    REQUIRE(follower->start());
  }

  bool wait(const std::function<bool()>& done, Duration at_most = kDeadline) {
    const auto deadline = Monotonic::now() + at_most;
    CHECK(follower->run([&] { return !done() && Monotonic::now() < deadline; }));
    return done();
  }

  bool wait_text(const std::string& expected) {
    const bool right = wait([&] { return text.size() >= expected.size(); });
    CHECK(text == expected);
    return right;
  }
};

std::vector<LogPosition> ends_of(const std::string& path) {
  LogReader reader({LogSource{"a", path, ""}}, {});
  return reader.positions();
}

void append(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app | std::ios::binary) << text;
}
}  // namespace

TEST_CASE("follower: goes on exactly where the reader stopped") {
  TempDir dir;
  const std::string path = dir / "a.log";
  append(path, "old\nhalf");
  const auto positions = ends_of(path);
  append(path, "before start\n");
  Following f;
  f.start(positions);
  append(path, "after start\n");
  f.wait_text("before start\nafter start\n");
}

TEST_CASE("follower: a piece without newline comes after a while, the rest later") {
  TempDir dir;
  const std::string path = dir / "a.log";
  append(path, "");
  Following f;
  f.start(ends_of(path));
  append(path, "Password: ");
  f.wait_text("Password: ~");
  append(path, "ok\n");
  f.wait_text("Password: ~ok\n");
}

TEST_CASE("follower: a file that comes later, also in a directory that comes later") {
  TempDir dir;
  Following f;
  auto positions = ends_of(dir / "later.log");
  positions.push_back(ends_of(dir / "sub/later.log")[0]);
  f.start(positions);
  append(dir / "later.log", "one\n");
  f.wait_text("one\n");
  ::mkdir((dir / "sub").c_str(), 0700);
  append(dir / "sub/later.log", "two\n");
  f.wait_text("one\ntwo\n");
}

TEST_CASE("follower: truncated, the file is read from its beginning") {
  TempDir dir;
  const std::string path = dir / "a.log";
  append(path, "a long first line\n");
  Following f;
  f.start(ends_of(path));
  REQUIRE(::truncate(path.c_str(), 0) == 0);
  append(path, "new\n");
  f.wait_text("new\n");
}

TEST_CASE("follower: renamed away and made anew; what still comes into the old one is not missed") {
  TempDir dir;
  const std::string path = dir / "a.log";
  append(path, "old\n");
  Following f;
  f.start(ends_of(path));
  append(path, "last of old\n");
  REQUIRE(::rename(path.c_str(), (path + ".1").c_str()) == 0);
  append(path, "first of new\n");
  f.wait_text("last of old\nfirst of new\n");
  append(path + ".1", "late\n");
  f.wait_text("last of old\nfirst of new\nlate\n");
}

TEST_CASE("follower: deleted and made anew") {
  TempDir dir;
  const std::string path = dir / "a.log";
  append(path, "old\n");
  Following f;
  f.start(ends_of(path));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(::unlink(path.c_str()) == 0);
    append(path, std::to_string(i) + "\n");
    f.wait([&] { return f.text.size() >= static_cast<std::size_t>(i + 1) * 2; });
  }
  CHECK(f.text == "0\n1\n2\n");
}

TEST_CASE("follower: raw mode gives the bytes as they are") {
  TempDir dir;
  const std::string path = dir / "a.log";
  append(path, "");
  Following f;
  f.start_raw(ends_of(path));
  const std::string bytes = random_bytes(1U << 20, 9);
  std::thread writer([&] {
    for (std::size_t at = 0; at < bytes.size(); at += 10'007)
      append(path, bytes.substr(at, 10'007));
  });
  CHECK(f.wait([&] { return f.bytes.size() >= bytes.size(); }));
  writer.join();
  CHECK((f.bytes == bytes));
}

TEST_CASE("follower: behind a pump, lines come with their times, each once") {
  PumpRig rig;
  const std::string path = rig.dir / "a.log";
  UniqueFd app = rig.attach(RunId{1}, Stream::out, path);
  Following f;
  f.start(ends_of(path));
  std::string expected;
  for (int i = 0; i < 1000; ++i)
    expected += "line " + std::to_string(i) + "\n";
  std::thread writer([&] {
    for (std::size_t at = 0; at < expected.size(); at += 37)
      write_all(app.get(), expected.substr(at, 37));
  });
  f.wait_text(expected);
  writer.join();
  for (std::size_t i = 1; i < f.times.size(); ++i)
    CHECK(f.times[i] >= f.times[i - 1]);
  CHECK(f.times[0] > 0);
}

TEST_CASE(
    "follower: latency from the app's write through the pump to the output, median and 99 %") {
  PumpRig rig;
  const std::string path = rig.dir / "a.log";
  UniqueFd app = rig.attach(RunId{1}, Stream::out, path);
  std::vector<double> micros;
  std::atomic<std::int64_t> written{0};
  Follower follower(
      ends_of(path),
      Follower::Output{[&](const LogLine&) {
                         micros.push_back(
                             static_cast<double>(to_ns(Monotonic::now()) - written.load()) / 1000);
                       },
                       {}});
  REQUIRE(follower.start());
  constexpr std::size_t kRounds = 300;
  for (std::size_t i = 1; i <= kRounds; ++i) {
    written = to_ns(Monotonic::now());
    REQUIRE(write_all(app.get(), "a line as apps write them\n"));
    const auto deadline = Monotonic::now() + kDeadline;
    CHECK(follower.run([&] { return micros.size() < i && Monotonic::now() < deadline; }));
  }
  REQUIRE(micros.size() == kRounds);
  std::sort(micros.begin(), micros.end());
  MESSAGE("p50 " << micros[kRounds / 2] << " us, p99 " << micros[kRounds * 99 / 100] << " us");
  CHECK(micros[kRounds / 2] < 50'000);  // a bound for any machine; the figure is in the message
}
