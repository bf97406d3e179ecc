// Where this process is in the cgroup hierarchies. Pure; the texts are /proc/self/mountinfo and
// /proc/PID/cgroup.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace roost::daemon {

// Mount point and the part of the hierarchy that it shows ("/", or a container's own cgroup).
struct CgroupMount {
  std::string point;
  std::string root;
};

// The cgroup v2 mount, also on a hybrid system (/sys/fs/cgroup/unified).
[[nodiscard]] std::optional<CgroupMount> find_cgroup2_mount(std::string_view mountinfo);
// The v1 mount of a controller ("freezer", "pids").
[[nodiscard]] std::optional<CgroupMount> find_cgroup1_mount(std::string_view mountinfo,
                                                            std::string_view controller);
// The path within the hierarchy: for v2 the line "0::/…", for v1 that of the controller.
[[nodiscard]] std::optional<std::string> find_cgroup2_path(std::string_view proc_cgroup);
[[nodiscard]] std::optional<std::string> find_cgroup1_path(std::string_view proc_cgroup,
                                                           std::string_view controller);
// The directory of `path` below a mount; nothing when the mount does not show it.
[[nodiscard]] std::optional<std::string> cgroup_dir(const CgroupMount& mount,
                                                    std::string_view path);

}  // namespace roost::daemon
