#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <doctest/doctest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {
constexpr RunId kOne{1};
constexpr RunId kTwo{2};

// A pipe whose read end the pump has, written by `rule`.
UniqueFd attach(PumpRig& rig, RunId run, Stream stream, const std::string& path,
                model::LineRule rule, const std::string& also = {}) {
  TestPipe pipe;
  LogTarget target{.path = path, .owner = {}};
  target.lines = std::move(rule);
  target.also = also;
  rig.pump->attach(run, stream, std::move(pipe.in), std::move(target));
  return std::move(pipe.out);
}

std::size_t waiting_in(int pipe) {
  int waiting = 0;
  REQUIRE(::ioctl(pipe, FIONREAD, &waiting) == 0);
  return static_cast<std::size_t>(waiting);
}

// Writes what there is of a line only when it has to.
void patient(Pump::Options& options) {
  options.unended_line = 1h;
}

void impatient(Pump::Options& options) {
  options.unended_line = 10ms;
}

const model::LineRule kTimed{.date_format = "[T]"};
}  // namespace

TEST_CASE("lines: a time stands before each, and a beginning waits in the pipe for its end") {
  PumpRig rig(patient);
  const std::string path = rig.dir / "app.log";
  const UniqueFd out = attach(rig, kOne, Stream::out, path, kTimed);
  REQUIRE(write_all(out.get(), "one\n\ntw"));
  REQUIRE(rig.wait([&] { return contents(path) == "T: one\nT: \n"; }));
  CHECK(waiting_in(out.get()) == 2);
  REQUIRE(write_all(out.get(), "o\n"));
  CHECK(rig.wait([&] { return contents(path) == "T: one\nT: \nT: two\n"; }));
  CHECK(rig.pump->stats().bytes == 9);
}

TEST_CASE("lines: what has no end is written after a while, and goes on without a second time") {
  PumpRig rig(impatient);
  const std::string path = rig.dir / "app.log";
  const UniqueFd out = attach(rig, kOne, Stream::out, path, kTimed);
  REQUIRE(write_all(out.get(), "name? "));
  REQUIRE(rig.wait([&] { return contents(path) == "T: name? "; }));
  REQUIRE(write_all(out.get(), "bob\nnext\n"));
  CHECK(rig.wait([&] { return contents(path) == "T: name? bob\nT: next\n"; }));
}

TEST_CASE("lines: one whose end comes while the pump looks at its beginning is whole") {
  PumpRig rig(patient);
  const std::string path = rig.dir / "app.log";
  const UniqueFd out = attach(rig, kOne, Stream::out, path, {.type = model::LogType::json});
  constexpr int kLines = 4'000;
  for (int i = 0; i < kLines; ++i) {
    const auto bytes = rig.pump->stats().bytes;
    REQUIRE(write_all(out.get(), "beginning "));
    const TimePoint end = Monotonic::now() + std::chrono::microseconds(i % 40);
    while (Monotonic::now() < end)
      continue;
    REQUIRE(write_all(out.get(), "end\n"));
    const TimePoint limit = Monotonic::now() + 10s;
    while (rig.pump->stats().bytes < bytes + 14 && Monotonic::now() < limit)
      std::this_thread::yield();
  }
  const std::string text = contents(path);
  CHECK(std::count(text.begin(), text.end(), '\n') == kLines);
}

TEST_CASE("lines: the last one of a process that ends while the pump looks at it is whole") {
  PumpRig rig(patient);
  const std::string path = rig.dir / "app.log";
  constexpr int kLines = 2'000;
  const std::string beginning(12'000, 'b');  // a look at it takes its time
  for (int i = 0; i < kLines; ++i) {
    const auto bytes = rig.pump->stats().bytes;
    UniqueFd out = attach(rig, RunId{static_cast<std::uint64_t>(i) + 1}, Stream::out, path,
                          {.type = model::LogType::json});
    REQUIRE(write_all(out.get(), beginning));
    const TimePoint end = Monotonic::now() + std::chrono::microseconds(i % 100);
    while (Monotonic::now() < end)
      continue;
    REQUIRE(write_all(out.get(), "end\n"));
    out.reset();
    REQUIRE(rig.wait([&] { return rig.pump->stats().bytes >= bytes + beginning.size() + 4; }));
  }
  const std::string text = contents(path);
  CHECK(std::count(text.begin(), text.end(), '\n') == kLines);
}

TEST_CASE("lines: the last one need not end") {
  PumpRig rig(patient);
  const std::string path = rig.dir / "app.log";
  UniqueFd out = attach(rig, kOne, Stream::out, path, kTimed);
  const UniqueFd err = attach(rig, kOne, Stream::err, rig.dir / "err.log", kTimed);
  REQUIRE(write_all(out.get(), "one\nlast"));
  out.reset();
  CHECK(rig.wait([&] { return contents(path) == "T: one\nT: last"; }));
  // Somebody else holds the other one: it is cut off, but what is in it is written.
  REQUIRE(write_all(err.get(), "held"));
  CHECK(rig.finish(kOne).cut_off);
  CHECK(contents(rig.dir / "err.log") == "T: held");
}

TEST_CASE("lines: a line above the limit comes in pieces, and no byte is missing") {
  PumpRig rig(patient);
  const std::string path = rig.dir / "app.log";
  UniqueFd out = attach(rig, kOne, Stream::out, path, kTimed);
  const std::string line(300'000, 'x');
  std::thread writer([&] {
    write_all(out.get(), line + "\nend\n");
    out.reset();
  });
  const bool all = rig.wait([&] { return contents(path) == "T: " + line + "\nT: end\n"; });
  writer.join();
  CHECK(all);
}

TEST_CASE(
    "lines: those of several writers in one file are whole, and their marks tell them apart") {
  PumpRig rig(patient);
  const std::string path = rig.dir / "app.log";
  const UniqueFd one = attach(rig, kOne, Stream::out, path, {.slot = 0});
  const UniqueFd two = attach(rig, kTwo, Stream::out, path, {.slot = 7});
  REQUIRE(write_all(one.get(), "a1 "));
  REQUIRE(write_all(two.get(), "b1 b2\n"));
  REQUIRE(rig.wait([&] { return contents(path) == "b1 b2\n"; }));
  REQUIRE(write_all(one.get(), "a2\n"));
  REQUIRE(rig.wait([&] { return contents(path) == "b1 b2\na1 a2\n"; }));
  const auto marks = marks_of(path);
  REQUIRE(marks.size() == 2);
  CHECK(model::slot_of(marks[0]) == 7);
  CHECK(marks[1].offset == 6);
  CHECK(model::slot_of(marks[1]) == 0);
  CHECK(marks[1].run_tag == model::run_tag(kOne));
}

TEST_CASE("lines: another's unfinished line is ended first") {
  PumpRig rig(impatient);
  const std::string path = rig.dir / "app.log";
  const UniqueFd one = attach(rig, kOne, Stream::out, path, kTimed);
  const UniqueFd two = attach(rig, kTwo, Stream::out, path, kTimed);
  REQUIRE(write_all(one.get(), "a"));
  REQUIRE(rig.wait([&] { return contents(path) == "T: a"; }));
  REQUIRE(write_all(two.get(), "b\n"));
  REQUIRE(rig.wait([&] { return contents(path) == "T: a\nT: b\n"; }));
  REQUIRE(write_all(one.get(), "c\n"));
  CHECK(rig.wait([&] { return contents(path) == "T: a\nT: b\nT: c\n"; }));
}

TEST_CASE("lines: both streams stand in a second file as well, also when the first keeps nothing") {
  PumpRig rig(patient);
  const std::string both = rig.dir / "both.log";
  const UniqueFd out = attach(rig, kOne, Stream::out, rig.dir / "out.log", {}, both);
  const UniqueFd err = attach(rig, kOne, Stream::err, "/dev/null", {}, both);
  REQUIRE(write_all(out.get(), "one\n"));
  REQUIRE(rig.wait([&] { return contents(both) == "one\n"; }));
  REQUIRE(write_all(err.get(), "two\n"));
  REQUIRE(rig.wait([&] { return contents(both) == "one\ntwo\n"; }));
  CHECK(contents(rig.dir / "out.log") == "one\n");
  const auto marks = marks_of(both);
  REQUIRE(marks.size() == 2);
  CHECK(model::stream_of(marks[1]) == Stream::err);
}

TEST_CASE("lines: a second file that cannot be written costs only itself") {
  PumpRig rig(patient);
  const std::string path = rig.dir / "app.log";
  REQUIRE(::symlink("/nowhere", (rig.dir / "both.log").c_str()) == 0);
  const UniqueFd out = attach(rig, kOne, Stream::out, path, kTimed, rig.dir / "both.log");
  REQUIRE(write_all(out.get(), "one\n"));
  CHECK(rig.wait([&] { return contents(path) == "T: one\n"; }));
  REQUIRE(rig.wait([&] { return !rig.problems.empty(); }));
  CHECK(rig.problems.front().kind == LogProblem::Kind::discarding);
  CHECK(rig.problems.front().path == rig.dir / "both.log");
}

TEST_CASE("lines: objects, one for each") {
  PumpRig rig(patient);
  const std::string path = rig.dir / "app.log";
  const UniqueFd out = attach(
      rig, kOne, Stream::out, path,
      {.type = model::LogType::json, .date_format = "[T]", .app_name = "web", .process_id = 3});
  REQUIRE(write_all(out.get(), "one\ntwo\n"));
  const std::string rest = R"(\n","timestamp":"T","type":"out","process_id":3,"app_name":"web"})"
                           "\n";
  CHECK(rig.wait(
      [&] { return contents(path) == R"({"message":"one)" + rest + R"({"message":"two)" + rest; }));
}

TEST_CASE("lines: a file somebody empties is written on from its beginning") {
  PumpRig rig(patient);
  const std::string path = rig.dir / "app.log";
  const UniqueFd out = attach(rig, kOne, Stream::out, path, kTimed);
  REQUIRE(write_all(out.get(), "one\n"));
  REQUIRE(rig.wait([&] { return contents(path) == "T: one\n"; }));
  REQUIRE(::truncate(path.c_str(), 0) == 0);
  REQUIRE(write_all(out.get(), "two\n"));
  CHECK(rig.wait([&] { return contents(path) == "T: two\n"; }));
}

TEST_CASE("lines: many short writes and a flood arrive whole and in order") {
  PumpRig rig(patient);
  const std::string path = rig.dir / "app.log";
  UniqueFd out = attach(rig, kOne, Stream::out, path, {});
  std::string all;
  for (int i = 0; i < 20'000; ++i)
    all += "line " + std::to_string(i) + (i % 100 == 0 ? std::string(5000, '.') : "") + "\n";
  std::thread writer([&] {
    for (std::size_t at = 0, size = 0; at < all.size(); at += size) {
      size = at < 70'000 ? 7 : 4096;
      write_all(out.get(), std::string_view(all).substr(at, size));
    }
    out.reset();
  });
  const bool complete = rig.wait_size(path, all.size());
  writer.join();
  CHECK(complete);
  CHECK((contents(path) == all));
}
