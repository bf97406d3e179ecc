// Output through a terminal: on its way into the pipe, and with the pump from there into the file.
#include "daemon/logs/terminals.h"

#include <thread>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "daemon/process/app_terminal.h"
#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {
constexpr RunId kRun{1ULL << 32 | 9};

AppTerminal make() {
  int errnum = 0;
  auto terminal = make_app_terminal({}, errnum);
  REQUIRE(terminal);
  return std::move(*terminal);
}

UniqueFd again(const UniqueFd& fd) {
  return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
}

bool is_readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

bool is_hung_up(int fd) {
  pollfd entry{fd, 0, 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & POLLHUP) != 0;
}

std::string take(const UniqueFd& pipe) {
  std::string bytes(1U << 20, '\0');
  const ssize_t n = ::read(pipe.get(), bytes.data(), bytes.size());
  bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return bytes;
}

// The app's end.
UniqueFd attach(PumpRig& rig, LogTarget target) {
  AppTerminal terminal = make();
  rig.pump->attach_terminal(kRun, std::move(terminal.pipe), std::move(terminal.master),
                            std::move(target));
  return std::move(terminal.app);
}
}  // namespace

TEST_CASE("terminals: a full pipe stops it without noise, and with room it goes on to its end") {
  AppTerminal terminal = make();
  // Less than a terminal holds, more than the pipe.
  const std::string text = random_bytes(12'000, 3);
  REQUIRE(::fcntl(terminal.pipe.get(), F_SETPIPE_SZ, 4096) == 4096);
  REQUIRE(write_all(terminal.app.get(), text));
  terminal.app.reset();
  Terminals terminals;
  REQUIRE(terminals.start());
  REQUIRE(terminals.add(kRun, terminal.master, terminal.pipe.get()) == 0);
  terminals.finish(kRun);
  std::string seen;
  bool was_full = false;
  const auto deadline = Monotonic::now() + kDeadline;
  while (seen.size() < text.size() && Monotonic::now() < deadline) {
    while (is_readable(terminals.fd()))
      terminals.work();
    was_full = was_full || seen.size() + 4096 < text.size();
    seen += take(terminal.pipe);
  }
  CHECK(was_full);
  CHECK(seen == text);
  terminals.work();
  char byte = 0;
  CHECK(::read(terminal.pipe.get(), &byte, 1) == 0);
  CHECK_FALSE(is_readable(terminals.fd()));
}

TEST_CASE("terminals: one that is left alone leaves what it holds to whoever else has it") {
  AppTerminal terminal = make();
  Terminals terminals;
  REQUIRE(terminals.start());
  UniqueFd master = again(terminal.master);
  REQUIRE(terminals.add(kRun, master, terminal.pipe.get()) == 0);
  terminals.remove(kRun);
  REQUIRE(write_all(terminal.app.get(), "kept"));
  CHECK_FALSE(is_readable(terminals.fd()));
  CHECK(terminals.move(kRun) == 0);
  CHECK(is_readable(terminal.master.get()));
}

TEST_CASE("terminals: one that cannot be read says why, and is left to the caller") {
  AppTerminal terminal = make();
  Terminals terminals;
  REQUIRE(terminals.start());
  CHECK(terminals.add(kRun, terminal.master, -1) == ENOENT);
  CHECK(terminal.master);
  CHECK(terminals.move(kRun) == 0);
}

TEST_CASE("terminals: what is written just before the last close is not lost") {
  const std::string text = random_bytes(6'000, 5);
  for (int round = 0; round < 200; ++round) {
    AppTerminal terminal = make();
    Terminals terminals;
    REQUIRE(terminals.start());
    REQUIRE(terminals.add(kRun, terminal.master, terminal.pipe.get()) == 0);
    terminals.finish(kRun);
    std::thread app([&text, end = std::move(terminal.app)]() mutable {
      write_all(end.get(), text);
      end.reset();
    });
    std::string got;
    while (!is_hung_up(terminal.pipe.get())) {
      (void)terminals.move(kRun);
      got += take(terminal.pipe);
    }
    app.join();
    got += take(terminal.pipe);
    REQUIRE(got == text);
  }
}

TEST_CASE("terminals: closed by all it may be opened again, until the app has ended") {
  AppTerminal terminal = make();
  const UniqueFd master = again(terminal.master);
  Terminals terminals;
  REQUIRE(terminals.start());
  REQUIRE(terminals.add(kRun, terminal.master, terminal.pipe.get()) == 0);
  terminal.app.reset();
  CHECK(terminals.move(kRun) == 0);
  CHECK_FALSE(is_readable(terminals.fd()));  // no noise
  CHECK_FALSE(is_hung_up(terminal.pipe.get()));
  CHECK(terminals.next_look() < Monotonic::now() + 1s);
  UniqueFd anew(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(anew);
  REQUIRE(write_all(anew.get(), "again"));
  terminals.look(Monotonic::now() + 1s);
  CHECK(take(terminal.pipe) == "again");
  CHECK(terminals.next_look() == TimePoint::max());
  anew.reset();
  terminals.finish(kRun);
  CHECK(is_hung_up(terminal.pipe.get()));
}

TEST_CASE("terminal: without descriptors its output waits, and comes when there are some") {
  PumpRig rig;
  const std::string path = rig.dir / "app.log";
  AppTerminal terminal = make();
  REQUIRE(write_all(terminal.app.get(), "kept"));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{.rlim_cur = 3, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  rig.pump->attach_terminal(kRun, std::move(terminal.pipe), std::move(terminal.master),
                            {.path = path, .owner = {}});
  const bool told = rig.wait([&] { return !rig.problems.empty(); });
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE(told);
  CHECK(rig.problems.front().errnum == EMFILE);
  CHECK(rig.wait_size(path, 4));
  CHECK(rig.problems.back().kind == LogProblem::Kind::resumed);
  CHECK(rig.drained_calls == 0);
}

TEST_CASE("terminal: a flood arrives byte by byte, and its end is that of the run's output") {
  PumpRig rig([](Pump::Options& o) { o.exit_gate = 1h; });
  const std::string bytes = random_bytes(8U << 20, 11);
  UniqueFd app = attach(rig, {.path = rig.dir / "app.log", .owner = {}});
  std::thread writer([&] {
    write_all(app.get(), bytes);
    app.reset();
  });
  writer.join();
  (void)rig.finish(kRun);
  CHECK(rig.drained[kRun].out_bytes == bytes.size());
  CHECK_FALSE(rig.drained[kRun].cut_off);
  CHECK(contents(rig.dir / "app.log") == bytes);
}

TEST_CASE("terminal: a grandchild that holds it is cut off at the gate, with what it had written") {
  PumpRig rig([](Pump::Options& o) { o.exit_gate = 20ms; });
  UniqueFd app = attach(rig, {.path = rig.dir / "app.log", .owner = {}});
  REQUIRE(write_all(app.get(), "last words\n"));
  const DrainReport report = rig.finish(kRun);
  CHECK(report.cut_off);
  CHECK(contents(rig.dir / "app.log") == "last words\n");
  CHECK(rig.pump->stats().streams == 0);
}

TEST_CASE("terminal: the tail tells what was not yet moved") {
  PumpRig rig;
  UniqueFd app = attach(rig, {.path = rig.dir / "app.log", .owner = {}});
  REQUIRE(write_all(app.get(), "one\ntwo\n"));
  CHECK(rig.tail(kRun, Stream::out, 1) == "two\n");
}

TEST_CASE("terminal: the last words of a run come before the first ones of the next") {
  const std::string bytes =
      random_bytes(15'000, 4);  // what a terminal holds, and its pipe does not
  for (int round = 0; round < 20; ++round) {
    PumpRig rig;
    const std::string path = rig.dir / "app.log";
    UniqueFd app = attach(rig, {.path = path, .owner = {}});
    REQUIRE(write_all(app.get(), bytes));
    app.reset();
    rig.pump->expect_end(kRun);
    UniqueFd next = rig.attach(RunId{raw(kRun) + 1}, Stream::out, path);
    REQUIRE(write_all(next.get(), "next"));
    REQUIRE(rig.wait_size(path, bytes.size() + 4));
    CHECK(contents(path) == bytes + "next");
  }
}

TEST_CASE("terminal: written line by line") {
  PumpRig rig;
  LogTarget target{.path = rig.dir / "app.log", .owner = {}};
  target.lines = model::LineRule{.date_format = "[T]"};
  UniqueFd app = attach(rig, std::move(target));
  for (const char* piece : {"a", "b\nc", "\n", "rest"})
    REQUIRE(write_all(app.get(), piece));
  app.reset();
  (void)rig.finish(kRun);
  CHECK(contents(rig.dir / "app.log") == "T: ab\nT: c\nT: rest");
}

TEST_CASE("terminal: the next pump goes on with what is in the terminal and in the pipe") {
  AppTerminal terminal = make();
  const std::string path = std::string("/proc/self/fd/") + std::to_string(terminal.pipe.get());
  UniqueFd into(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  REQUIRE(write_all(into.get(), "in the pipe, "));
  into.reset();
  REQUIRE(write_all(terminal.app.get(), "in the terminal"));
  PumpRig rig;
  rig.pump->attach_terminal(kRun, again(terminal.pipe), again(terminal.master),
                            {.path = rig.dir / "app.log", .owner = {}}, Pump::Origin::taken_over);
  CHECK(rig.wait_size(rig.dir / "app.log", 28));
  rig.pump.reset();
  REQUIRE(write_all(terminal.app.get(), ", later"));
  terminal.app.reset();
  CHECK(is_readable(terminal.master.get()));
  CHECK(contents(rig.dir / "app.log") == "in the pipe, in the terminal");
}
