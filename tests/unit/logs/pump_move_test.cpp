#include <thread>

#include <doctest/doctest.h>
#include <sys/resource.h>

#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {
constexpr RunId kRun{7};

// KiB of memory of this process that no file backs.
long anonymous_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word)
    if (word == "RssAnon:") break;
  long kib = 0;
  status >> kib;
  return kib;
}
}  // namespace

TEST_CASE("pump: random bytes arrive unchanged, and the run is reported drained with its counts") {
  PumpRig rig;
  const std::string path = rig.dir / "app-out.log";
  const std::string bytes = random_bytes(1U << 20, 1);
  UniqueFd app = rig.attach(kRun, Stream::out, path);
  REQUIRE(write_all(app.get(), bytes));
  app.reset();
  const DrainReport report = rig.finish(kRun);
  CHECK(contents(path) == bytes);
  CHECK(report.out_bytes == bytes.size());
  CHECK(report.err_bytes == 0);
  CHECK_FALSE(report.cut_off);
}

TEST_CASE("pump: the file is made at the first byte, private, with its directories") {
  PumpRig rig;
  const std::string path = rig.dir / "deep/er/app-out.log";
  UniqueFd app = rig.attach(kRun, Stream::out, path);
  rig.tail(kRun, Stream::out, 1);  // the attach has been carried out
  CHECK_FALSE(std::filesystem::exists(path));
  REQUIRE(write_all(app.get(), "x"));
  REQUIRE(rig.wait_size(path, 1));

  struct stat st {};

  REQUIRE(::stat(path.c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0600);
  REQUIRE(::stat((rig.dir / "deep/er").c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0700);
}

TEST_CASE("pump: a line of 100 MiB without newline arrives whole and costs no memory") {
  PumpRig rig;
  const std::string path = rig.dir / "long.log";
  UniqueFd app = rig.attach(kRun, Stream::out, path);
  constexpr std::size_t kMiB = 100;
  const std::string block = random_bytes(1U << 20, 2);
  const long before = anonymous_kib();
  std::thread writer([&] {
    for (std::size_t i = 0; i < kMiB; ++i)
      write_all(app.get(), block);
    app.reset();
  });
  REQUIRE(rig.wait([&] { return rig.pump->stats().streams == 0; }));
  const long after = anonymous_kib();
  writer.join();
  CHECK(rig.finish(kRun).out_bytes == kMiB << 20U);
  CHECK(size_of(path) == kMiB << 20U);
  std::ifstream file(path, std::ios::binary);
  std::string read(block.size(), '\0');
  bool same = true;
  for (std::size_t i = 0; i < kMiB; ++i)
    same =
        same && file.read(read.data(), static_cast<std::streamsize>(read.size())) && read == block;
  CHECK(same);
  CHECK(after - before < 4096);
}

TEST_CASE("pump: many pipes into one file under two names: every line whole, none lost") {
  PumpRig rig;
  ::mkdir((rig.dir / "real").c_str(), 0700);
  REQUIRE(::symlink("real", (rig.dir / "alias").c_str()) == 0);
  constexpr int kWriters = 8;
  constexpr int kLines = 4000;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    const char* name = w % 2 == 0 ? "real/shared.log" : "alias/shared.log";
    UniqueFd app = rig.attach(RunId{static_cast<std::uint64_t>(100 + w / 2)},
                              w % 2 == 0 ? Stream::out : Stream::err, rig.dir / name);
    writers.emplace_back([w, app = std::move(app)] {
      for (int i = 0; i < kLines; ++i)
        write_all(app.get(), std::to_string(w) + " " + std::to_string(i) + "\n");
    });
  }
  for (auto& writer : writers)
    writer.join();
  for (int w = 0; w < kWriters; w += 2)
    rig.finish(RunId{static_cast<std::uint64_t>(100 + w / 2)});
  std::ifstream file(rig.dir / "real/shared.log");
  std::vector<int> next(kWriters, 0);
  int w = 0;
  int i = 0;
  bool ordered = true;
  while (file >> w >> i)
    ordered = ordered && w >= 0 && w < kWriters && i == next[static_cast<std::size_t>(w)]++;
  CHECK(ordered);
  for (const int count : next)
    CHECK(count == kLines);
}

TEST_CASE("pump: output to /dev/null is discarded without a sidecar") {
  PumpRig rig;
  UniqueFd app = rig.attach(kRun, Stream::out, "/dev/null");
  REQUIRE(write_all(app.get(), random_bytes(300'000, 3)));
  app.reset();
  CHECK(rig.finish(kRun).out_bytes == 300'000);
  CHECK_FALSE(std::filesystem::exists("/dev/null.marks"));
  CHECK(rig.problems.empty());
}

TEST_CASE("pump: goes on at the end of a file that exists") {
  PumpRig rig;
  const std::string path = rig.dir / "app.log";
  std::ofstream(path) << "before\n";
  UniqueFd app = rig.attach(kRun, Stream::out, path);
  REQUIRE(write_all(app.get(), "after\n"));
  app.reset();
  rig.finish(kRun);
  CHECK(contents(path) == "before\nafter\n");
}

TEST_CASE("pump: a pipe grows at the first output, not before") {
  PumpRig rig;
  UniqueFd app = rig.attach(kRun, Stream::out, rig.dir / "app.log");
  rig.tail(kRun, Stream::out, 1);
  CHECK(::fcntl(app.get(), F_GETPIPE_SZ) < (1 << 20));
  REQUIRE(write_all(app.get(), "x"));
  REQUIRE(rig.wait_size(rig.dir / "app.log", 1));
  CHECK(::fcntl(app.get(), F_GETPIPE_SZ) == 1 << 20);
}

TEST_CASE("pump: a flood in one pipe leaves a quiet neighbour its turn") {
  PumpRig rig;
  UniqueFd flood = rig.attach(RunId{1}, Stream::out, "/dev/null");
  UniqueFd quiet = rig.attach(RunId{2}, Stream::out, rig.dir / "quiet.log");
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    const std::string block(1U << 16, 'f');
    while (!stop && write_all(flood.get(), block)) {
    }
  });
  bool arrived = true;
  for (int i = 1; i <= 50 && arrived; ++i) {
    REQUIRE(write_all(quiet.get(), "0123456789"));
    arrived = rig.loop.run_until(
        [&] { return size_of(rig.dir / "quiet.log") >= std::uint64_t(i) * 10; }, 2s);
  }
  stop = true;
  writer.join();
  CHECK(arrived);
}
