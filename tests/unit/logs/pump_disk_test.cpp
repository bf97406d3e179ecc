#include <cstdio>
#include <thread>

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {
// In a child of its own: the mount is seen by nobody else and goes with it.
template <class Body>
int in_mount_namespace(Body body) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNS) != 0) ::_exit(77);
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) ::_exit(77);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

#define EXPECT_STEP(step, condition) \
  if (!(condition)) return step

int fill_and_make_room() {
  PumpRig rig;
  const std::string disk = rig.dir / "disk";
  ::mkdir(disk.c_str(), 0700);
  EXPECT_STEP(77, ::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m") == 0);
  const std::string path = disk + "/app.log";
  const std::string ballast = disk + "/ballast";
  {
    std::ofstream file(ballast);
    file << std::string(600U << 10, 'b');
  }
  const std::string bytes = random_bytes(900U << 10, 5);
  UniqueFd app = rig.attach(RunId{1}, Stream::out, path);
  UniqueFd neighbour = rig.attach(RunId{2}, Stream::out, rig.dir / "neighbour.log");
  std::thread writer([&] {
    write_all(app.get(), bytes);
    app.reset();
  });
  int failed = 0;
  const auto step = [&](int number, bool passed) {
    if (failed == 0 && !passed) failed = number;
  };
  step(1, rig.wait([&] { return rig.pump->stats().stopped_files == 1; }));
  step(2, rig.wait([&] { return !rig.problems.empty(); }) && rig.problems[0].errnum == ENOSPC &&
              rig.problems[0].kind == LogProblem::Kind::stopped);
  step(3, write_all(neighbour.get(), "fine") && rig.wait_size(rig.dir / "neighbour.log", 4));
  ::unlink(ballast.c_str());
  step(5, rig.wait([&] { return rig.pump->stats().streams == 1; }));  // the neighbour's is left
  writer.join();
  step(6, contents(path) == bytes);
  step(7, rig.problems.back().kind == LogProblem::Kind::resumed);
  step(8, rig.pump->stats().stopped_files == 0);
  rig.pump.reset();
  ::umount2(disk.c_str(), MNT_DETACH);
  return failed;
}

std::string dropped_line(std::uint64_t bytes) {
  return "[roost: " + std::to_string(bytes) + " bytes dropped: the disk was full]\n";
}

// The app never waits; what was thrown away and what is in the file is all that it wrote.
int drop_and_tell() {
  PumpRig rig([](Pump::Options& o) { o.retry_after = 50ms; });
  const std::string disk = rig.dir / "disk";
  ::mkdir(disk.c_str(), 0700);
  EXPECT_STEP(77, ::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m") == 0);
  const std::string path = disk + "/app.log";
  const std::string ballast = disk + "/ballast";
  {
    std::ofstream file(ballast);
    file << std::string(900U << 10, 'b');
  }
  TestPipe pipe;
  rig.pump->attach(RunId{1}, Stream::out, std::move(pipe.in),
                   LogTarget{.path = path, .owner = {}, .on_full = model::OnFull::drop});
  int failed = 0;
  const auto step = [&](int number, bool passed) {
    if (failed == 0 && !passed) failed = number;
  };
  const std::string bytes(3U << 20, 'x');
  step(1, write_all(pipe.out.get(), bytes));  // would wait for ever if nothing were dropped
  step(2, rig.wait([&] {
    return rig.pump->stats().bytes + rig.pump->stats().discarded == bytes.size();
  }));
  step(3, rig.wait([&] { return !rig.problems.empty(); }) &&
              rig.problems[0].kind == LogProblem::Kind::discarding);
  const std::uint64_t dropped = rig.pump->stats().discarded;
  step(4, dropped > (2U << 20) && contents(path).size() == bytes.size() - dropped);
  ::unlink(ballast.c_str());
  const std::string before =
      std::string(bytes.size() - dropped, 'x') + "\n" + dropped_line(dropped);
  step(5, rig.wait([&] { return contents(path) == before; }));  // though the app is silent
  step(6, write_all(pipe.out.get(), "on\n") &&
              rig.wait([&] { return contents(path) == before + "on\n"; }));
  step(7, rig.wait([&] { return rig.problems.back().kind == LogProblem::Kind::resumed; }) &&
              rig.pump->stats().stopped_files == 0);
  pipe.out.reset();
  rig.pump->finish(RunId{1});
  step(8, rig.wait([&] { return rig.drained_calls > 0; }) &&
              rig.drained[RunId{1}].discarded == dropped);
  rig.pump.reset();
  ::umount2(disk.c_str(), MNT_DETACH);
  return failed;
}

// Nobody waits for room: the run is over at once, and the file is told later all the same.
int dead_run_that_drops() {
  PumpRig rig([](Pump::Options& o) { o.retry_after = 50ms; });
  const std::string disk = rig.dir / "disk";
  ::mkdir(disk.c_str(), 0700);
  EXPECT_STEP(77, ::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") == 0);
  {
    std::ofstream file(disk + "/ballast");
    file << std::string(128U << 10, 'b');
  }
  int failed = 0;
  const auto step = [&](int number, bool passed) {
    if (failed == 0 && !passed) failed = number;
  };
  TestPipe pipe;
  rig.pump->attach(
      RunId{1}, Stream::out, std::move(pipe.in),
      LogTarget{.path = disk + "/app.log", .owner = {}, .on_full = model::OnFull::drop});
  step(1, write_all(pipe.out.get(), "last words"));
  pipe.out.reset();
  rig.pump->finish(RunId{1});
  step(2, rig.wait([&] { return rig.drained_calls > 0; }) &&
              rig.drained[RunId{1}].discarded == 10 && !rig.drained[RunId{1}].cut_off);
  ::unlink((disk + "/ballast").c_str());
  step(3, rig.wait([&] { return contents(disk + "/app.log") == dropped_line(10); }));
  rig.pump.reset();
  ::umount2(disk.c_str(), MNT_DETACH);
  return failed;
}

int dead_run_waits_for_room() {
  PumpRig rig([](Pump::Options& o) { o.exit_gate = 20ms; });
  const std::string disk = rig.dir / "disk";
  ::mkdir(disk.c_str(), 0700);
  EXPECT_STEP(77, ::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") == 0);
  {
    std::ofstream file(disk + "/ballast");
    file << std::string(128U << 10, 'b');
  }
  int failed = 0;
  const auto step = [&](int number, bool passed) {
    if (failed == 0 && !passed) failed = number;
  };
  UniqueFd app = rig.attach(RunId{1}, Stream::out, disk + "/app.log");
  step(1, write_all(app.get(), "last words"));
  app.reset();
  rig.pump->finish(RunId{1});
  step(2, rig.wait([&] { return rig.pump->stats().stopped_files == 1; }));
  step(3, !rig.loop.run_until([&] { return rig.drained_calls > 0; }, 200ms));
  ::unlink((disk + "/ballast").c_str());
  step(4, rig.wait([&] { return rig.drained_calls > 0; }));
  step(5, contents(disk + "/app.log") == "last words" && !rig.drained[RunId{1}].cut_off);
  rig.pump.reset();
  ::umount2(disk.c_str(), MNT_DETACH);
  return failed;
}

int many_dead_runs_on_a_full_disk() {
  PumpRig rig([](Pump::Options& o) { o.exit_gate = 1ms; });
  const std::string disk = rig.dir / "disk";
  ::mkdir(disk.c_str(), 0700);
  EXPECT_STEP(77, ::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") == 0);
  {
    std::ofstream file(disk + "/ballast");
    file << std::string(128U << 10, 'b');
  }
  constexpr std::uint64_t kRuns = Pump::kMaxHeldRuns + 10;
  int failed = 0;
  for (std::uint64_t i = 1; i <= kRuns; ++i) {
    UniqueFd app = rig.attach(RunId{i}, Stream::out, disk + "/app.log");
    if (!write_all(app.get(), "last words")) failed = 1;
    rig.pump->finish(RunId{i});
  }
  if (!rig.wait([&] { return rig.drained.size() == 10; })) failed = 2;
  for (const auto& [run, report] : rig.drained)
    if (!report.cut_off) failed = 3;
  if (rig.pump->stats().streams != Pump::kMaxHeldRuns) failed = 4;
  rig.pump.reset();
  ::umount2(disk.c_str(), MNT_DETACH);
  return failed;
}

// A tmpfs at `disk` with 4 MiB, of which all but 1.5 MiB and a bit is taken by `ballast`.
bool make_small_disk(const std::string& disk) {
  ::mkdir(disk.c_str(), 0700);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=4m") != 0) return false;
  std::ofstream file(disk + "/ballast");
  file << std::string((2560U << 10) - 20'480, 'b');
  return true;
}

// The disk becomes full while bytes are in the relay: they wait there, another's go past it.
int full_with_bytes_in_the_relay() {
  PumpRig rig;
  const std::string disk = rig.dir / "disk";
  EXPECT_STEP(77, make_small_disk(disk));
  const std::string bytes = random_bytes(3U << 20, 6);
  UniqueFd app = rig.attach(RunId{1}, Stream::out, disk + "/app.log");
  UniqueFd other = rig.attach(RunId{2}, Stream::out, rig.dir / "other.log");
  std::thread writer([&app, rest = rig.begin_flood(app, disk + "/app.log", bytes)] {
    write_all(app.get(), rest);
    app.reset();
  });
  int failed = 0;
  const auto step = [&](int number, bool passed) {
    if (failed == 0 && !passed) failed = number;
  };
  step(1, rig.wait([&] { return rig.pump->stats().stopped_files == 1; }));
  step(2, rig.pump->stats().relayed > 0 && waiting_in(rig.relay.pipe) > 0);
  const std::string_view rest = rig.begin_flood(other, rig.dir / "other.log", bytes);
  step(3, write_all(other.get(), rest) && rig.wait_size(rig.dir / "other.log", bytes.size()));
  step(4, contents(rig.dir / "other.log") == bytes);
  step(5, waiting_in(rig.relay.pipe) > 0);
  ::unlink((disk + "/ballast").c_str());
  writer.join();
  step(6, rig.finish(RunId{1}).out_bytes == bytes.size());
  step(7, contents(disk + "/app.log") == bytes);
  step(8, waiting_in(rig.relay.pipe) == 0 && rig.pump->stats().stopped_files == 0);
  rig.pump.reset();
  ::umount2(disk.c_str(), MNT_DETACH);
  return failed;
}

int full_and_dropped_from_the_relay() {
  PumpRig rig;
  const std::string disk = rig.dir / "disk";
  EXPECT_STEP(77, make_small_disk(disk));
  const std::string bytes = random_bytes(4U << 20, 7);
  TestPipe pipe;
  rig.pump->attach(
      RunId{1}, Stream::out, std::move(pipe.in),
      LogTarget{.path = disk + "/app.log", .owner = {}, .on_full = model::OnFull::drop});
  int failed = 0;
  const auto step = [&](int number, bool passed) {
    if (failed == 0 && !passed) failed = number;
  };
  step(1, write_all(pipe.out.get(), rig.begin_flood(pipe.out, disk + "/app.log", bytes)));
  pipe.out.reset();
  const DrainReport report = rig.finish(RunId{1});
  step(2, report.discarded > 0 && report.out_bytes + report.discarded == bytes.size());
  step(3, rig.pump->stats().relayed > 0 && waiting_in(rig.relay.pipe) == 0);
  step(4, contents(disk + "/app.log") == bytes.substr(0, report.out_bytes));
  rig.pump.reset();
  ::umount2(disk.c_str(), MNT_DETACH);
  return failed;
}

// What the daemon before had in the relay waits for room, and its stream for that.
int full_when_taken_over(bool its_stream_comes) {
  TempDir dir;
  const std::string disk = dir / "disk";
  ::mkdir(disk.c_str(), 0700);
  EXPECT_STEP(77, ::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") == 0);
  {
    std::ofstream file(disk + "/ballast");
    file << std::string(128U << 10, 'b');
  }
  const std::string path = disk + "/app.log";
  PumpRig rig({}, left_by_another(RunId{1}, Stream::out, path, "first, "));
  int failed = 0;
  const auto step = [&](int number, bool passed) {
    if (failed == 0 && !passed) failed = number;
  };
  if (its_stream_comes) {
    TestPipe pipe;
    step(1, write_all(pipe.out.get(), "second"));
    rig.pump->attach(RunId{1}, Stream::out, std::move(pipe.in), LogTarget{path, {}},
                     Pump::Origin::taken_over);
    rig.pump->finish(RunId{1});
  }
  step(2, rig.wait([&] { return rig.pump->stats().stopped_files == 1; }));
  step(3, waiting_in(rig.relay.pipe) == 7 && rig.drained_calls == 0);
  ::unlink((disk + "/ballast").c_str());
  const std::string_view all = its_stream_comes ? "first, second" : "first, ";
  step(4, rig.wait_size(path, all.size()) && contents(path) == all);
  step(5, rig.wait([&] { return rig.pump->stats().stopped_files == 0; }));
  if (its_stream_comes) {
    step(6, rig.wait([&] { return rig.drained_calls == 1; }));
    step(7, !rig.drained[RunId{1}].cut_off);
  }
  rig.pump.reset();
  ::umount2(disk.c_str(), MNT_DETACH);
  return failed;
}

// A stream that may be dropped does not wait for room, nor does what is in the relay of it.
int full_when_taken_over_and_dropped() {
  TempDir dir;
  const std::string disk = dir / "disk";
  ::mkdir(disk.c_str(), 0700);
  EXPECT_STEP(77, make_small_disk(disk));
  std::ofstream(disk + "/ballast") << std::string(4U << 20, 'b');
  const std::string path = disk + "/app.log";
  PumpRig rig({}, left_by_another(RunId{1}, Stream::out, path, "first, "));
  EXPECT_STEP(1, rig.wait([&] { return rig.pump->stats().stopped_files == 1; }));
  TestPipe pipe;
  rig.pump->attach(RunId{1}, Stream::out, std::move(pipe.in),
                   LogTarget{.path = path, .owner = {}, .on_full = model::OnFull::drop},
                   Pump::Origin::taken_over);
  EXPECT_STEP(2, write_all(pipe.out.get(), random_bytes(4U << 20, 8)));  // more than a pipe holds
  EXPECT_STEP(3, waiting_in(rig.relay.pipe) == 0);
  pipe.out.reset();
  const DrainReport report = rig.finish(RunId{1});
  EXPECT_STEP(4, report.discarded == 7 + (4U << 20));
  rig.pump.reset();
  ::umount2(disk.c_str(), MNT_DETACH);
  return 0;
}

int full_when_taken_over_with_its_stream() {
  return full_when_taken_over(true);
}

int full_when_taken_over_alone() {
  return full_when_taken_over(false);
}

void run_as_root(int (*body)()) {
  if (::geteuid() != 0) {
    MESSAGE("skipped: needs root for a private mount");
    return;
  }
  const int result = in_mount_namespace(body);
  if (result == 77) {
    MESSAGE("skipped: no private mounts here");
    return;
  }
  CHECK(result == 0);
}
}  // namespace

TEST_CASE("disk: full, it stops this file only; with room again everything arrives by itself") {
  run_as_root(fill_and_make_room);
}

TEST_CASE("disk: full, output that may be dropped is, and the file tells how much") {
  run_as_root(drop_and_tell);
}

TEST_CASE("disk: full, a dead run that drops waits for nothing, and the file is told later") {
  run_as_root(dead_run_that_drops);
}

TEST_CASE("disk: the last words of a dead run wait for room beyond the gate") {
  run_as_root(dead_run_waits_for_room);
}

TEST_CASE(
    "disk: dead runs wait for room up to a limit, then the oldest are cut off and said to be") {
  run_as_root(many_dead_runs_on_a_full_disk);
}

TEST_CASE("disk: full with bytes in the relay, they wait there, and others go past it") {
  run_as_root(full_with_bytes_in_the_relay);
}

TEST_CASE("disk: full, what is in the relay is dropped where the pipe's is, and counted") {
  run_as_root(full_and_dropped_from_the_relay);
}

TEST_CASE("disk: full, what the daemon before had in the relay waits, and its stream for that") {
  run_as_root(full_when_taken_over_with_its_stream);
  run_as_root(full_when_taken_over_alone);
  run_as_root(full_when_taken_over_and_dropped);
}
