#include "metrics/sampler.h"

#include <map>

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::metrics;

namespace {

// Processes as the test wants them, on a clock of its own.
struct World {
  struct Process {
    std::uint64_t start_ticks = 100'000;
    std::uint64_t ticks = 0;
    std::uint64_t pages = 10;
    char state = 'S';
  };

  std::map<std::int32_t, Process> processes;
  TimePoint now = from_ns(1'000'000'000'000'000);
  Duration since_boot = 1'000s;  // when everything below was born: start_ticks / 100
  int reads = 0;
  Sampler sampler{[this](std::int32_t pid) { return read(pid); }};

  Result<StatSample> read(std::int32_t pid) {
    ++reads;
    const auto found = processes.find(pid);
    if (found == processes.end()) return Error{Errc::not_found, "no such process", {}};
    StatSample sample;
    sample.stat.pid = pid;
    sample.stat.state = found->second.state;
    sample.stat.user_ticks = found->second.ticks / 2;
    sample.stat.system_ticks = found->second.ticks - found->second.ticks / 2;
    sample.stat.start_ticks = found->second.start_ticks * ticks_per_second() / 100;
    sample.stat.rss_pages = found->second.pages;
    sample.since_boot = since_boot;
    return sample;
  }

  // Time goes by, and the process uses this much of a CPU.
  void pass(Duration d, std::int32_t pid = 0, double share = 0) {
    now += d;
    since_boot += d;
    const double ticks =
        share * std::chrono::duration<double>(d).count() * static_cast<double>(ticks_per_second());
    if (pid != 0) processes.at(pid).ticks += static_cast<std::uint64_t>(ticks);
  }

  std::optional<Usage> usage(std::int32_t pid) {
    const auto found = processes.find(pid);
    const std::uint64_t start =
        found == processes.end() ? 1 : found->second.start_ticks * ticks_per_second() / 100;
    return sampler.usage(pid, start, now);
  }
};

}  // namespace

TEST_CASE("sampler: the first answer is the average since the start") {
  World world;
  world.processes[7] = {};
  world.pass(10s, 7, 0.5);
  const auto usage = world.usage(7);
  REQUIRE(usage.has_value());
  CHECK(usage->cpu_percent == doctest::Approx(50));
  CHECK(usage->rss_bytes == 10 * page_bytes());
}

TEST_CASE("sampler: later answers are over the time since the previous one") {
  World world;
  world.processes[7] = {};
  world.pass(100s);
  CHECK(world.usage(7)->cpu_percent == doctest::Approx(0));
  world.pass(2s, 7, 2.5);
  world.processes[7].pages = 20;
  const auto usage = world.usage(7);
  CHECK(usage->cpu_percent == doctest::Approx(250));
  CHECK(usage->rss_bytes == 20 * page_bytes());
  world.pass(5s);
  CHECK(world.usage(7)->cpu_percent == doctest::Approx(0));
}

TEST_CASE("sampler: within a second the same answer comes without a reading") {
  World world;
  world.processes[7] = {};
  world.pass(10s, 7, 0.2);
  const double first = world.usage(7)->cpu_percent;
  world.pass(999ms, 7, 1);
  CHECK(world.usage(7)->cpu_percent == first);
  CHECK(world.reads == 1);
  world.pass(1ms);
  CHECK(world.usage(7)->cpu_percent > first);
  CHECK(world.reads == 2);
}

TEST_CASE("sampler: one clock tick of a newborn is no busy CPU") {
  World world;
  world.processes[7] = {};
  world.pass(10ms, 7, 1);
  CHECK(world.usage(7)->cpu_percent == doctest::Approx(2));
}

TEST_CASE("sampler: another process with the same pid is nobody we know") {
  World world;
  world.processes[7] = {};
  world.pass(10s, 7, 1);
  REQUIRE(world.usage(7).has_value());
  const std::uint64_t old_start = 100'000 * ticks_per_second() / 100;
  world.processes[7] = {.start_ticks = 101'000, .ticks = 0, .pages = 1, .state = 'S'};
  world.pass(5s, 7, 0.1);
  CHECK_FALSE(world.sampler.usage(7, old_start, world.now).has_value());
  CHECK(world.sampler.size() == 0);
  CHECK(world.usage(7)->cpu_percent == doctest::Approx(10));
}

TEST_CASE(
    "sampler: a new owner of the pid is not charged with the old one's time, also when the start "
    "is not given") {
  World world;
  world.processes[7] = {};
  world.pass(10s, 7, 1);
  REQUIRE(world.sampler.usage(7, 0, world.now).has_value());
  world.pass(100s);
  world.processes[7] = {.start_ticks = 111'000, .ticks = 0, .pages = 1, .state = 'S'};
  world.pass(10s, 7, 0.3);
  CHECK(world.sampler.usage(7, 0, world.now)->cpu_percent == doctest::Approx(30));
}

TEST_CASE("sampler: the gone and the dead have no usage and are forgotten") {
  World world;
  world.processes[7] = {};
  world.processes[8] = {};
  world.pass(1s);
  REQUIRE(world.usage(7).has_value());
  REQUIRE(world.usage(8).has_value());
  world.pass(2s);
  world.processes[7].state = 'Z';
  CHECK_FALSE(world.usage(7).has_value());
  world.processes.erase(8);
  CHECK_FALSE(world.usage(8).has_value());
  CHECK(world.sampler.size() == 0);
}

TEST_CASE("sampler: processes nobody asks for any more are forgotten") {
  World world;
  for (std::int32_t pid = 1; pid <= 100; ++pid)
    world.processes[pid] = {};
  world.pass(1s);
  for (std::int32_t pid = 1; pid <= 100; ++pid)
    REQUIRE(world.usage(pid).has_value());
  CHECK(world.sampler.size() == 100);
  world.pass(61s);
  REQUIRE(world.usage(1).has_value());
  CHECK(world.sampler.size() == 1);
}

TEST_CASE("sampler: never keeps more than its cap, and still answers") {
  World world;
  const auto most = static_cast<std::int32_t>(Sampler::kMaxProcesses);
  for (std::int32_t pid = 1; pid <= most + 10; ++pid) {
    world.processes.clear();
    world.processes[pid] = {};
    REQUIRE(world.usage(pid).has_value());
  }
  CHECK(world.sampler.size() == Sampler::kMaxProcesses);
}
