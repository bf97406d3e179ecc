// A loop, a worker, a spawner and words for starting things under the test keeper.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/unique_fd.h"
#include "core/loop/loop.h"
#include "core/loop/worker.h"
#include "core/model/app_spec.h"
#include "daemon/process/lanes.h"
#include "daemon/process/process_tree.h"
#include "daemon/process/spawn_plan.h"
#include "daemon/process/spawner.h"

namespace roost::daemon::test {

// Of this test process alone: a second one on the same machine has other processes and cgroups.
[[nodiscard]] const std::string& home_id();

// Each a new run, unique in this test process.
[[nodiscard]] InstanceFacts make_facts(const Lane& lane = {});
[[nodiscard]] model::AppSpec direct(const std::string& program, std::vector<std::string> args = {});
[[nodiscard]] model::AppSpec shell(const std::string& line);

[[nodiscard]] bool is_alive(const ProcessId& id);
// Waits for the condition, at most 10 s.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);
// What comes from a pipe until `wanted` is in it, or its end; at most 10 s.
[[nodiscard]] std::string read_until(int fd, const std::string& wanted);
[[nodiscard]] std::string read_to_end(int fd);
// The value of a field of /proc/PID/status, trimmed.
[[nodiscard]] std::string status_field(pid_t pid, const std::string& name);

// With lanes of every kind that this machine can have, made in the cgroup directory `parent`; a
// kind it cannot have is reported and skipped. They are removed at the end, and their directory
// with them.
void with_each_kind_of_lanes(
    const std::function<void(Lanes& lanes, const std::string& parent)>& body);

class ProcessFixture {
 public:
  ProcessFixture();
  ~ProcessFixture();

  SpawnResult spawn(SpawnPlan plan);
  SpawnResult spawn(const model::AppSpec& spec, const Lane& lane = {});
  // Of a run that was spawned.
  [[nodiscard]] TreeRoot tree_of(const SpawnResult& run, const Lane& lane = {},
                                 const std::string& home = home_id()) const;
  void kill_all();

  loop::Loop loop;
  loop::Worker worker{loop, 64};
  Spawner spawner;

 private:
  std::vector<UniqueFd> pidfds_;  // of everything spawned: killed at the end
};

}  // namespace roost::daemon::test
