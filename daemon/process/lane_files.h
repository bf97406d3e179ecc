// The files of cgroups, as lanes use them. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/process/lanes.h"

namespace roost::daemon {

struct CgroupTexts {
  std::string mountinfo;    // /proc/self/mountinfo
  std::string proc_cgroup;  // /proc/PID/cgroup
};

// `pid` in decimal, or "self". Empty texts for a process that is gone.
[[nodiscard]] CgroupTexts read_cgroup_texts(const std::string& pid);

struct CgroupPlace {
  CgroupKind kind = CgroupKind::none;
  std::string dir;
};

// The directories of the cgroups a process is in, best kind first: v2, then v1 freezer, then pids.
[[nodiscard]] std::vector<CgroupPlace> find_cgroup_places(const CgroupTexts& texts);

// Names of the child cgroups of an open cgroup directory.
[[nodiscard]] std::vector<std::string> list_cgroups(int dir);
// Removes a child cgroup, and what an app may have made below it; a populated one stays.
void remove_cgroup(int parent, const std::string& name);

}  // namespace roost::daemon
