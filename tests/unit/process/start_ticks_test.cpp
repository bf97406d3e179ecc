#include "daemon/process/start_ticks.h"

#include <ctime>

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/unique_fd.h"
#include "daemon/process/proc_snapshot.h"

namespace roost::daemon {
namespace {

constexpr std::int64_t kTick = 10'000'000;

std::int64_t boottime_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

TEST_CASE("two moments within a tick tell it, others do not") {
  CHECK(ticks_between({7 * kTick, 7 * kTick}, 100) == 7);
  CHECK(ticks_between({7 * kTick, 8 * kTick - 1}, 100) == 7);
  CHECK_FALSE(ticks_between({8 * kTick - 1, 8 * kTick}, 100));
  CHECK_FALSE(ticks_between({8 * kTick, 7 * kTick}, 100));
  CHECK_FALSE(ticks_between({0, 0}, 100));
  CHECK_FALSE(ticks_between({kTick, kTick}, 0));
  CHECK_FALSE(ticks_between({kTick, kTick}, 1024));  // no whole number of ns
}

TEST_CASE("it is what /proc says of a process") {
  StartTicks ticks;
  for (int i = 0; i < 50; ++i) {
    Birth birth;
    birth.after = boottime_ns();
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::pause();
      ::_exit(0);
    }
    REQUIRE(pid > 0);
    birth.before = boottime_ns();
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    CHECK(ticks.of(pid, pidfd.get(), birth) == identify(pid, pidfd.get()).start_ticks);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}

TEST_CASE("a clock that disagrees with /proc is not believed again") {
  StartTicks ticks;
  const pid_t self = ::getpid();
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, self, 0)));
  const std::uint64_t truth = identify(self, pidfd.get()).start_ticks;
  const auto wrong = static_cast<std::int64_t>(truth + 5) * kTick;
  CHECK(ticks.of(self, pidfd.get(), {wrong, wrong}) == truth);
  CHECK(ticks.of(self, pidfd.get(), {wrong, wrong}) == truth);
}

}  // namespace roost::daemon
