// RunKey: the name of a run that its processes carry in their environment (ROOST_ID), so that a
// daemon which lost everything finds them again by /proc. Pure.
//
// ROOST_ID = "<home id>.<app>.<instance>.<run>.<pid>", all decimal but the home id (hex); the pid
// has ten digits, with leading zeros, and is written by the child itself just before exec. A
// process whose pid equals the last field is the root of its run; any other process with it is a
// descendant, since the environment is inherited.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "core/model/ids.h"

namespace roost::daemon {

inline constexpr std::string_view kRoostIdVariable = "ROOST_ID";
inline constexpr std::size_t kRoostIdPidDigits = 10;

struct RunKey {
  std::string home_id;
  model::AppId app{};
  model::InstanceId instance{};
  model::RunId run{};
  friend bool operator==(const RunKey&, const RunKey&) = default;
};

struct RoostId {
  RunKey key;
  pid_t root_pid = 0;  // 0: not filled yet
};

// "ROOST_ID=…" with the pid field all zeros; it is the last kRoostIdPidDigits bytes.
[[nodiscard]] std::string roost_id_entry(const RunKey& key);
// Of the value, without the name. Nothing when it is not in exactly that form.
[[nodiscard]] std::optional<RoostId> parse_roost_id(std::string_view value);
// Looks ROOST_ID up in the contents of /proc/PID/environ. Nothing when it is absent or malformed.
[[nodiscard]] std::optional<RoostId> find_roost_id(std::string_view environ_block);

}  // namespace roost::daemon
