#include <thread>

#include <doctest/doctest.h>
#include <sys/wait.h>

#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {
constexpr RunId kRun{1ULL << 32 | 7};
}

TEST_CASE("drain: with both streams at their end, on_drained does not wait for the gate") {
  PumpRig rig([](Pump::Options& o) { o.exit_gate = 1h; });
  UniqueFd out = rig.attach(kRun, Stream::out, rig.dir / "out.log");
  UniqueFd err = rig.attach(kRun, Stream::err, rig.dir / "err.log");
  REQUIRE(write_all(out.get(), "o"));
  REQUIRE(write_all(err.get(), "ee"));
  out.reset();
  err.reset();
  const DrainReport report = rig.finish(kRun);
  CHECK(report.out_bytes == 1);
  CHECK(report.err_bytes == 2);
}

TEST_CASE(
    "drain: a grandchild that holds the pipe is cut off at the gate, with what it had written") {
  PumpRig rig([](Pump::Options& o) { o.exit_gate = 50ms; });
  UniqueFd app = rig.attach(kRun, Stream::out, rig.dir / "out.log");
  REQUIRE(write_all(app.get(), "last words\n"));
  const auto began = Monotonic::now();
  const DrainReport report = rig.finish(kRun);  // `app` stays open
  CHECK(Monotonic::now() - began >= 45ms);
  CHECK(report.cut_off);
  CHECK(report.out_bytes == 11);
  CHECK(contents(rig.dir / "out.log") == "last words\n");
  CHECK(rig.pump->stats().streams == 0);
}

TEST_CASE("drain: a grandchild that floods the pipe cannot hold up the gate") {
  PumpRig rig([](Pump::Options& o) { o.exit_gate = 50ms; });
  UniqueFd app = rig.attach(kRun, Stream::out, "/dev/null");
  // Keeps the pipe readable, as the keeper does: the flood ends when the test says so, not by
  // SIGPIPE.
  const std::string self = "/proc/self/fd/" + std::to_string(app.get());
  const UniqueFd keeper(::open(self.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::atomic<bool> stop{false};
  ::fcntl(app.get(), F_SETFL, O_NONBLOCK);
  std::thread writer([&] {
    const std::string block(1U << 16, 'f');
    while (!stop)
      (void)!::write(app.get(), block.data(), block.size());  // full is fine
  });
  const DrainReport report = rig.finish(kRun);
  stop = true;
  writer.join();
  CHECK(report.cut_off);
}

TEST_CASE("drain: finish of a run never attached is answered, once") {
  PumpRig rig;
  rig.pump->finish(kRun);
  rig.pump->finish(kRun);
  REQUIRE(rig.wait([&] { return rig.drained_calls > 0; }));
  rig.finish(RunId{999});
  CHECK(rig.drained_calls == 2);
  CHECK(rig.drained[kRun].out_bytes == 0);
}

TEST_CASE("drain: finished twice, it is told once") {
  PumpRig rig([](Pump::Options& o) { o.exit_gate = 20ms; });
  UniqueFd app = rig.attach(kRun, Stream::out, rig.dir / "out.log");
  rig.pump->finish(kRun);
  rig.finish(kRun);
  rig.pump->finish(kRun);
  rig.finish(RunId{999});
  CHECK(rig.drained_calls == 2);
}

TEST_CASE(
    "drain: attached after it was told, a stream is drained and closed and nothing more is told") {
  PumpRig rig;
  rig.finish(kRun);
  TestPipe pipe;
  REQUIRE(write_all(pipe.out.get(), "late\n"));
  rig.pump->attach(kRun, Stream::out, std::move(pipe.in), LogTarget{rig.dir / "out.log", {}});
  REQUIRE(rig.wait_size(rig.dir / "out.log", 5));
  REQUIRE(rig.wait([&] { return rig.pump->stats().streams == 0; }));
  rig.finish(RunId{999});
  CHECK(rig.drained_calls == 2);
}

TEST_CASE("drain: attached between finish and the gate, a stream counts") {
  PumpRig rig([](Pump::Options& o) { o.exit_gate = 1h; });
  UniqueFd out = rig.attach(kRun, Stream::out, rig.dir / "out.log");
  rig.pump->finish(kRun);
  UniqueFd err = rig.attach(kRun, Stream::err, rig.dir / "err.log");
  REQUIRE(write_all(err.get(), "e"));
  err.reset();
  REQUIRE(rig.wait_size(rig.dir / "err.log", 1));
  CHECK(rig.drained_calls == 0);
  out.reset();
  REQUIRE(rig.wait([&] { return rig.drained_calls == 1; }));
  CHECK(rig.drained[kRun].err_bytes == 1);
}

TEST_CASE("drain: an end before finish is remembered") {
  PumpRig rig([](Pump::Options& o) { o.exit_gate = 1h; });
  UniqueFd app = rig.attach(kRun, Stream::out, rig.dir / "out.log");
  REQUIRE(write_all(app.get(), "x"));
  app.reset();
  REQUIRE(rig.wait([&] { return rig.pump->stats().bytes == 1 && rig.pump->stats().streams == 0; }));
  CHECK(rig.finish(kRun).out_bytes == 1);
}

TEST_CASE("drain: the pump destroyed with runs alive leaves their output in the pipe") {
  TestPipe pipe;
  const UniqueFd keeper(::fcntl(pipe.in.get(), F_DUPFD_CLOEXEC, 0));
  {
    PumpRig rig;
    rig.pump->attach(kRun, Stream::out, std::move(pipe.in), LogTarget{rig.dir / "out.log", {}});
    REQUIRE(write_all(pipe.out.get(), "seen"));
    REQUIRE(rig.wait_size(rig.dir / "out.log", 4));
    rig.pump.reset();
    REQUIRE(write_all(pipe.out.get(), "kept"));
  }
  char text[8];
  CHECK(::read(keeper.get(), text, sizeof text) == 4);
}

TEST_CASE("tail: the last lines of this run only, while it lives and afterwards") {
  PumpRig rig;
  const std::string path = rig.dir / "err.log";
  std::ofstream(path) << "another run's line\n";
  UniqueFd app = rig.attach(kRun, Stream::err, path);
  CHECK(rig.tail(kRun, Stream::err, 20).empty());
  REQUIRE(write_all(app.get(), "one\ntwo\nthree"));
  CHECK(rig.tail(kRun, Stream::err, 2) == "two\nthree");  // what waits in the pipe counts
  CHECK(rig.tail(kRun, Stream::err, 20) == "one\ntwo\nthree");
  app.reset();
  rig.finish(kRun);
  UniqueFd next = rig.attach(RunId{8}, Stream::err, path);
  REQUIRE(write_all(next.get(), "\nnext run\n"));
  REQUIRE(rig.wait_size(path, 19 + 13 + 10));
  CHECK(rig.tail(kRun, Stream::err, 2) == "two\nthree");
  CHECK(rig.tail(RunId{8}, Stream::err, 1) == "next run\n");
  CHECK(rig.tail(kRun, Stream::out, 2).empty());
  CHECK(rig.tail(RunId{12345}, Stream::out, 2).empty());
}

TEST_CASE("tail: of a run taken over, also what it wrote under the daemon before") {
  PumpRig rig;
  const std::string path = rig.dir / "err.log";
  TestPipe pipe;
  const UniqueFd keeper(::fcntl(pipe.in.get(), F_DUPFD_CLOEXEC, 0));
  UniqueFd other = rig.attach(RunId{3}, Stream::err, path);
  REQUIRE(write_all(other.get(), "other\n"));
  REQUIRE(rig.wait_size(path, 6));
  rig.pump->attach(kRun, Stream::err, std::move(pipe.in), LogTarget{path, {}});
  REQUIRE(write_all(pipe.out.get(), "one\n"));
  REQUIRE(rig.wait_size(path, 10));
  rig.pump.reset();

  Pump::Options options;
  options.post = [&](std::function<void()> task) { rig.loop.post(std::move(task)); };
  rig.pump = std::make_unique<Pump>(options);
  REQUIRE(rig.pump->start());
  rig.pump->attach(kRun, Stream::err, UniqueFd(::fcntl(keeper.get(), F_DUPFD_CLOEXEC, 0)),
                   LogTarget{path, {}}, Pump::Origin::taken_over);
  CHECK(rig.tail(kRun, Stream::err, 20) == "one\n");
  REQUIRE(write_all(pipe.out.get(), "two\n"));
  CHECK(rig.tail(kRun, Stream::err, 20) == "one\ntwo\n");
}

TEST_CASE(
    "stop: nothing is moved or closed any more, the pipes stay open for somebody to hand on") {
  PumpRig rig;
  UniqueFd app = rig.attach(kRun, Stream::out, rig.dir / "out.log");
  rig.pump->stop();
  REQUIRE(rig.wait([&] { return rig.pump->stopped(); }));
  rig.pump->finish(kRun);
  CHECK(write_all(app.get(), "for the next one\n"));  // no SIGPIPE: somebody still can read it
  CHECK(size_of(rig.dir / "out.log") == 0);
}
