// When a new process began, as field 22 of /proc/PID/stat tells it: clock ticks since boot.
//
// The kernel takes it from CLOCK_BOOTTIME while it makes the process, so two readings of that clock
// around the birth tell it unless a tick (10 ms) lies between them. This spares a look at /proc,
// and half of the cost of reaping: the kernel has to take down the /proc/PID that somebody opened.
#pragma once

#include <cstdint>
#include <optional>

#include <sys/types.h>

namespace roost::daemon {

// Moments of CLOCK_BOOTTIME between which a process was born, in ns.
struct Birth {
  std::int64_t after = 0;
  std::int64_t before = 0;
};

// Nothing when the moments do not tell.
[[nodiscard]] std::optional<std::uint64_t> ticks_between(const Birth& birth,
                                                         std::int64_t ticks_per_second);

// One thread at a time.
class StartTicks {
 public:
  // Of the process that the pidfd holds; 0 when it is dead and the clock does not tell.
  [[nodiscard]] std::uint64_t of(pid_t pid, int pidfd, const Birth& birth);

 private:
  enum class Clock : std::uint8_t { untried, agrees, differs };

  Clock clock_ = Clock::untried;  // with /proc: some that look like Linux have clocks of their own
};

}  // namespace roost::daemon
