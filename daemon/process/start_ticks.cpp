#include "daemon/process/start_ticks.h"

#include <unistd.h>

#include "daemon/process/proc_snapshot.h"

namespace roost::daemon {

std::optional<std::uint64_t> ticks_between(const Birth& birth, std::int64_t ticks_per_second) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  if (birth.after <= 0 || birth.before < birth.after || ticks_per_second <= 0 ||
      kSecond % ticks_per_second != 0)
    return std::nullopt;
  const std::int64_t tick = kSecond / ticks_per_second;
  if (birth.after / tick != birth.before / tick) return std::nullopt;
  return static_cast<std::uint64_t>(birth.after / tick);
}

std::uint64_t StartTicks::of(pid_t pid, int pidfd, const Birth& birth) {
  static const long ticks_per_second = ::sysconf(_SC_CLK_TCK);
  const auto told = ticks_between(birth, ticks_per_second);
  if (told && clock_ == Clock::agrees) return *told;
  const std::uint64_t read = identify(pid, pidfd).start_ticks;
  if (told && read != 0 && clock_ == Clock::untried)
    clock_ = read == *told ? Clock::agrees : Clock::differs;
  return read;
}

}  // namespace roost::daemon
