// Fixed, versioned records that the keeper holds for the daemon: they survive the daemon's death
// without SQLite. RunLabel names a run and never changes; InstanceNote is the mutable state of an
// instance (an entry keyed by its id).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

#include "core/model/exit_status.h"
#include "core/model/ids.h"
#include "core/model/instance_machine.h"
#include "core/model/readiness.h"
#include "core/model/restart_policy.h"
#include "core/model/run_state.h"

namespace roost::model {

inline constexpr std::uint16_t kLabelVersion = 1;
inline constexpr std::size_t kLabelCapacity = 192;

struct RunLabel {
  std::uint16_t version = kLabelVersion;
  std::uint16_t size = 0;  // of the writer's struct; a longer, newer one is read by its prefix
  AppId app{};
  InstanceId instance{};
  std::uint32_t slot = 0;
  RunId run{};
  std::uint32_t generation = 0;
  std::int32_t pid = 0;           // written by the child itself
  std::uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat; 0 until known
  std::int64_t started_ns = 0;    // CLOCK_MONOTONIC
  std::int64_t started_wall_ms = 0;
  std::uint32_t lane = 0;  // which cgroup of the instance, 1…; 0 = none
  std::uint32_t reserved = 0;
  std::uint64_t out_file_hash = 0;  // reserved for log files that differ from the spec's
  std::uint8_t boot_id[16] = {};
};

struct InstanceNote {
  std::uint16_t version = kLabelVersion;
  std::uint16_t size = 0;
  AppId app{};
  InstanceId instance{};
  std::uint32_t slot = 0;
  Desired desired = Desired::down;
  Rest rest = Rest::stopped;      // what it is without a current run
  Phase phase = Phase::spawning;  // of the current run
  bool has_current = false;
  bool asked = false;   // the current run was asked to end
  bool resume = false;  // was up when everything was stopped by `kill`
  bool has_exit = false;
  std::uint32_t restarts = 0;  // automatic and asked-for restarts since created or reset
  std::uint32_t quick_exits =
      0;                  // exits within min_uptime since created or reset (PM2: unstable_restarts)
  RunId current{};        // the run these facts are about
  RunId last_exit_run{};  // newest run whose exit is counted here
  ExitStatus last_exit{};
  RestartTracker::Memory tracker{};
  std::int64_t deadline_ns = 0;  // of the armed kill or back-off timer, CLOCK_MONOTONIC; 0 = none
  std::int64_t created_wall_ms = 0;
  std::int64_t last_exit_wall_ms = 0;
  // From here on absent in records of the first size.
  RestartTracker::Window window{};
  std::int64_t cron_due_ms = 0;     // when cron_restart comes next; 0 = unknown
  Failing failing = Failing::no;    // what the current run is being ended for
  bool stopped_by_request = false;  // why it rests
  bool finished = false;            // down because it has done its work
  // From here on absent in records of the second size.
  std::int64_t job_until_ms = 0;  // a job's times up to here have been dealt with; 0 = none known
  std::uint32_t job_skipped = 0;  // its times that came to nothing since its last run began
  bool job_queued = false;        // one came while it ran, and is made up for
  friend bool operator==(const InstanceNote&, const InstanceNote&) = default;
};

// What the first version of roost wrote; such records are in the keepers of running systems.
template <class Label>
inline constexpr std::size_t kFirstLabelSize = sizeof(Label);
template <>
inline constexpr std::size_t kFirstLabelSize<InstanceNote> = offsetof(InstanceNote, window);

static_assert(std::is_trivially_copyable_v<RunLabel> && sizeof(RunLabel) <= kLabelCapacity);
static_assert(std::is_trivially_copyable_v<InstanceNote> && sizeof(InstanceNote) <= kLabelCapacity);

template <class Label>
void store_label(Label label, std::span<std::uint8_t, kLabelCapacity> out) {
  label.size = sizeof(Label);
  std::memset(out.data(), 0, out.size());
  std::memcpy(out.data(), &label, sizeof label);
}

// Nothing when it is not one of ours: unknown version or an impossible size. What an older, shorter
// record does not have keeps its default.
template <class Label>
std::optional<Label> load_label(std::span<const std::uint8_t, kLabelCapacity> in) {
  Label label;
  constexpr std::size_t kHead = kFirstLabelSize<Label>;
  std::memcpy(static_cast<void*>(&label), in.data(), kHead);
  if (label.version != kLabelVersion || label.size < kHead || label.size > kLabelCapacity)
    return std::nullopt;
  const std::size_t known = std::min<std::size_t>(label.size, sizeof label);
  std::memcpy(static_cast<void*>(&label), in.data(), known);
  return label;
}

}  // namespace roost::model
