// One instance, as replies show it. docs/protocol.md is generated from the field list.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/base/record.h"
#include "core/model/exit_status.h"
#include "core/model/run_state.h"

namespace roost::ipc {

// One instance as `list` shows it.
struct InstanceInfo {
  std::uint32_t id = 0;
  std::string name;
  std::string ns;
  std::uint32_t slot = 0;
  model::State state = model::State::stopped;
  std::string reason;  // why it is in that state, in words; may be empty
  std::int32_t pid = 0;
  std::int64_t uptime_ms = 0;
  std::int64_t started_ms = 0;
  std::uint32_t restarts = 0;
  std::uint32_t quick_exits = 0;
  double cpu = 0;
  std::uint64_t memory = 0;
  std::string user;
  std::optional<model::ExitStatus> last_exit;
  bool job = false;
  bool scheduled = false;
  std::optional<std::map<std::string, std::string>> labels;

  static constexpr auto fields() {
    return std::tuple{req("id", &InstanceInfo::id, "id of the instance (PM2's pm_id)"),
                      req("name", &InstanceInfo::name, "name of the app"),
                      opt("namespace", &InstanceInfo::ns, "namespace of the app"),
                      opt("slot", &InstanceInfo::slot, "number of the instance within the app, from 0"),
                      req("state", &InstanceInfo::state, "launching, online, stopping, waiting, stopped or errored"),
                      opt("reason", &InstanceInfo::reason, "why it is in that state, in words"),
                      opt("pid", &InstanceInfo::pid, "process id, 0 without a process"),
                      opt("uptime_ms", &InstanceInfo::uptime_ms, "age of the process, ms"),
                      opt("started_ms", &InstanceInfo::started_ms, "start of the process, ms since the epoch"),
                      opt("restarts", &InstanceInfo::restarts, "restarts since created"),
                      opt("quick_exits", &InstanceInfo::quick_exits, "exits within min_uptime since created"),
                      opt("cpu", &InstanceInfo::cpu, "percent of one processor"),
                      opt("memory", &InstanceInfo::memory, "resident memory, bytes"),
                      opt("user", &InstanceInfo::user, "user it runs as"),
                      opt("last_exit", &InstanceInfo::last_exit, "how its last process ended"),
                      opt("job", &InstanceInfo::job, "it is a job: it runs at its times and ends by itself"),
                      opt("scheduled", &InstanceInfo::scheduled, "a job between two runs, on its schedule"),
                      opt("labels", &InstanceInfo::labels, "labels of the app")};
  }
};

}  // namespace roost::ipc
