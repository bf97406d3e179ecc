#include <string>
#include <thread>
#include <utility>

#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {
constexpr RunId kOne{1};
constexpr RunId kTwo{2};
constexpr std::size_t kMuch = 8U << 20;
}  // namespace

TEST_CASE("relay: what fills its pipe goes by way of it, what does not, does not") {
  PumpRig rig;
  const std::string bytes = random_bytes(kMuch, 1);
  UniqueFd quiet = rig.attach(kTwo, Stream::out, rig.dir / "quiet.log");
  for (int i = 0; i < 20; ++i) {
    REQUIRE(write_all(quiet.get(), "a line\n"));
    REQUIRE(rig.wait_size(rig.dir / "quiet.log", static_cast<std::uint64_t>(i + 1) * 7));
  }
  CHECK(rig.pump->stats().relayed == 0);
  UniqueFd busy = rig.attach(kOne, Stream::out, rig.dir / "busy.log");
  const std::string_view rest = rig.begin_flood(busy, rig.dir / "busy.log", bytes);
  CHECK(rig.pump->stats().relayed == 0);
  REQUIRE(write_all(busy.get(), rest));
  busy.reset();
  CHECK(rig.finish(kOne).out_bytes == kMuch);
  CHECK((contents(rig.dir / "busy.log") == bytes));
  CHECK(rig.pump->stats().relayed == rest.size());
  CHECK(waiting_in(rig.relay.pipe) == 0);
}

TEST_CASE("relay: several busy streams take turns, each byte in its file, in order") {
  PumpRig rig;
  const std::string bytes = random_bytes(kMuch, 2);
  const auto path = [&](std::size_t i) { return rig.dir / ("busy-" + std::to_string(i)); };
  std::vector<std::thread> writers;
  for (std::size_t i = 0; i < 3; ++i) {
    UniqueFd app = rig.attach(RunId{i / 2 + 1}, i % 2 == 0 ? Stream::out : Stream::err, path(i));
    writers.emplace_back([rest = rig.begin_flood(app, path(i), bytes), app = std::move(app)] {
      write_all(app.get(), rest);
    });
  }
  for (std::thread& writer : writers)
    writer.join();
  CHECK(rig.finish(kOne).out_bytes == kMuch);
  CHECK(rig.finish(kTwo).out_bytes == kMuch);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK((contents(path(i)) == bytes));
  CHECK(rig.pump->stats().relayed > 2 * kMuch);
}

TEST_CASE("relay: without one all goes by splice") {
  PumpRig rig({}, RelayFds{});
  const std::string bytes = random_bytes(kMuch, 3);
  UniqueFd busy = rig.attach(kOne, Stream::out, rig.dir / "busy.log");
  REQUIRE(write_all(busy.get(), rig.begin_flood(busy, rig.dir / "busy.log", bytes)));
  CHECK(rig.wait_size(rig.dir / "busy.log", kMuch));
  CHECK((contents(rig.dir / "busy.log") == bytes));
  CHECK(rig.pump->stats().relayed == 0);
}

TEST_CASE("relay: what the daemon before had in it comes before what is in the pipe") {
  TempDir dir;
  const std::string path = dir / "app.log";
  PumpRig rig({}, left_by_another(kOne, Stream::err, path, "first, "));
  TestPipe pipe;
  REQUIRE(write_all(pipe.out.get(), "second"));
  rig.pump->attach(kOne, Stream::err, std::move(pipe.in), LogTarget{path, {}},
                   Pump::Origin::taken_over);
  REQUIRE(rig.wait_size(path, 13));
  CHECK(contents(path) == "first, second");
  const auto marks = marks_of(path);
  REQUIRE_FALSE(marks.empty());
  CHECK(marks[0].run_tag == model::run_tag(kOne));
  CHECK(model::stream_of(marks[0]) == Stream::err);
  CHECK(rig.tail(kOne, Stream::err, 5) == "first, second");
}

TEST_CASE("relay: what the daemon before had in it is written though its stream does not come") {
  TempDir dir;
  PumpRig rig({}, left_by_another(kOne, Stream::out, dir / "app.log", "last words"));
  CHECK(rig.wait_size(dir / "app.log", 10));
  CHECK(contents(dir / "app.log") == "last words");
}

TEST_CASE("relay: a file that is refused loses it, with a word, and the relay is free again") {
  TempDir dir;
  const std::string path = dir / "app.log";
  REQUIRE(::mkdir(path.c_str(), 0700) == 0);
  PumpRig rig({}, left_by_another(kOne, Stream::out, path, "lost"));
  REQUIRE(rig.wait([&] { return !rig.problems.empty(); }));
  CHECK(rig.problems[0].path == path);
  CHECK(rig.problems[0].errnum == EISDIR);
  CHECK(rig.problems[0].kind == LogProblem::Kind::discarding);
  CHECK(rig.pump->stats().discarded == 4);
  UniqueFd busy = rig.attach(kTwo, Stream::out, rig.dir / "busy.log");
  const std::string bytes = random_bytes(kMuch, 4);
  REQUIRE(write_all(busy.get(), rig.begin_flood(busy, rig.dir / "busy.log", bytes)));
  CHECK(rig.wait_size(rig.dir / "busy.log", kMuch));
  CHECK(rig.pump->stats().relayed > 0);
}

TEST_CASE("relay: bytes that nobody has noted are dropped, with a word") {
  RelayFds fds = new_relay();
  REQUIRE(write_all(fds.pipe.get(), "whose?"));
  PumpRig rig({}, std::move(fds));
  REQUIRE(rig.wait([&] { return !rig.problems.empty(); }));
  CHECK(rig.problems[0].kind == LogProblem::Kind::discarding);
  CHECK(waiting_in(rig.relay.pipe) == 0);
}

TEST_CASE("relay: a renamed file keeps what was written, the rest goes to the new one") {
  PumpRig rig;
  const std::string path = rig.dir / "busy.log";
  const std::string bytes = random_bytes(kMuch, 5);
  UniqueFd busy = rig.attach(kOne, Stream::out, path);
  std::thread writer([&busy, rest = rig.begin_flood(busy, path, bytes)] {
    write_all(busy.get(), rest);
    busy.reset();
  });
  REQUIRE(rig.wait_size(path, kMuch / 4));
  REQUIRE(::rename(path.c_str(), (path + ".1").c_str()) == 0);
  rig.pump->reopen_files();
  writer.join();
  CHECK(rig.finish(kOne).out_bytes == kMuch);
  CHECK((contents(path + ".1") + contents(path) == bytes));
}
