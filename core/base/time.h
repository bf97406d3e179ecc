// Time as the program uses it. Policy runs on the monotonic clock only; wall time is for people and
// records.
#pragma once

#include <chrono>
#include <cstdint>

namespace roost {

using Duration = std::chrono::nanoseconds;
// On Linux steady_clock is CLOCK_MONOTONIC: one value for all processes of a boot, so a TimePoint
// may be handed to the next daemon as a number of nanoseconds.
using Monotonic = std::chrono::steady_clock;
using TimePoint = Monotonic::time_point;
using namespace std::chrono_literals;

// Milliseconds since the Unix epoch (wall clock).
using WallMs = std::int64_t;

[[nodiscard]] inline WallMs wall_now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

[[nodiscard]] inline std::int64_t to_ns(TimePoint t) {
  return t.time_since_epoch().count();
}

[[nodiscard]] inline TimePoint from_ns(std::int64_t ns) {
  return TimePoint(Monotonic::duration(ns));
}

[[nodiscard]] inline std::int64_t to_ms(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

}  // namespace roost
