// MemoryGroups: cgroups that limit the memory of runs (memory_max). With cgroup v2 it is the run's
// lane itself; with v1 a group of its own in the memory hierarchy, named as the lane, made anew for
// each run. Stateless towards the next daemon: the name follows from the RunLabel.
//
// Looked for when the first app wants it. Loop thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/model/ids.h"
#include "daemon/process/lanes.h"

namespace roost::daemon {

struct MemoryGroup {
  CgroupKind kind = CgroupKind::none;
  std::string dir;  // absolute path of the cgroup

  explicit operator bool() const { return kind != CgroupKind::none; }

  // Where the child writes itself (v1); empty = it is there by its lane.
  [[nodiscard]] std::string procs() const {
    return kind == CgroupKind::v1 ? dir + "/cgroup.procs" : std::string();
  }
};

class MemoryGroups {
 public:
  explicit MemoryGroups(std::string home_id) : home_id_(std::move(home_id)) {}

  // Where groups are made, given by the caller (tests).
  MemoryGroups(CgroupKind kind, std::string dir) : kind_(kind), dir_(std::move(dir)) {}

  // Why there can be no limit; empty when there can. Also what went wrong with the last one.
  [[nodiscard]] const std::string& problem();
  // Makes the group of a run that is about to start in this lane, empty and limited.
  [[nodiscard]] Result<MemoryGroup> make(const Lane& lane, model::InstanceId instance,
                                         std::uint64_t bytes);
  // The group of a run taken over.
  [[nodiscard]] MemoryGroup find(const Lane& lane, model::InstanceId instance);
  // The run is over: its group goes, unless something lives in it.
  void remove(const MemoryGroup& group) const;
  // With all that is empty.
  void remove_all();

  // A run has no limit though it should have one: told from now on.
  void report(std::string problem) { problem_ = std::move(problem); }

 private:
  void look();
  [[nodiscard]] Status open_v1();
  [[nodiscard]] Status open_v2();

  std::string home_id_;
  std::optional<CgroupKind> kind_;  // once looked for
  std::string dir_;                 // …/roost-<home id>
  std::string problem_;
};

// How many processes of the group the kernel has killed for want of memory. Any thread.
[[nodiscard]] std::uint64_t oom_kills(const MemoryGroup& group);

}  // namespace roost::daemon
