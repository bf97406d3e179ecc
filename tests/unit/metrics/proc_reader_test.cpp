#include "metrics/proc_reader.h"

#include <cstdint>

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "metrics/sampler.h"

using namespace roost;
using namespace roost::metrics;

TEST_CASE("proc reader: reads this process") {
  const Result<StatSample> sample = read_stat(::getpid());
  REQUIRE(sample.has_value());
  CHECK(sample->stat.pid == ::getpid());
  CHECK(sample->stat.ppid == ::getppid());
  CHECK(sample->stat.state == 'R');
  CHECK(sample->stat.rss_pages > 0);
  const Duration born = std::chrono::seconds(sample->stat.start_ticks / ticks_per_second());
  CHECK(sample->since_boot >= born);
  CHECK(sample->since_boot - born < 1h);
  const Result<ProcStatm> statm = read_statm(::getpid());
  REQUIRE(statm.has_value());
  CHECK(statm->resident_pages > 0);
  CHECK(statm->size_pages >= statm->resident_pages);
}

TEST_CASE("proc reader: a process that is gone is not found, a zombie has no usage") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(0);
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
  CHECK(read_stat(child)->stat.state == 'Z');
  Sampler sampler;
  CHECK_FALSE(sampler.usage(child, 0, Monotonic::now()).has_value());
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  const Result<StatSample> gone = read_stat(child);
  REQUIRE_FALSE(gone.has_value());
  CHECK(gone.error().code == Errc::not_found);
  CHECK_FALSE(read_stat(0).has_value());
  CHECK_FALSE(read_stat(-1).has_value());
  CHECK_FALSE(read_stat(INT32_MIN).has_value());
}

TEST_CASE("proc reader: cost of one reading, printed" * doctest::skip()) {
  constexpr int kCount = 20'000;
  timespec begin{};
  timespec end{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
  for (int i = 0; i < kCount; ++i)
    REQUIRE(read_stat(::getpid()).has_value());
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
  const double spent = static_cast<double>(end.tv_sec - begin.tv_sec) * 1e6 +
                       static_cast<double>(end.tv_nsec - begin.tv_nsec) / 1e3;
  MESSAGE((spent / kCount), " us");
}
