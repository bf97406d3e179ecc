#include "daemon/process/cgroup_mounts.h"

#include <vector>

namespace roost::daemon {
namespace {

std::string_view take_until(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const auto part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty())
    parts.push_back(take_until(text, separator));
  return parts;
}

bool contains(std::string_view list, std::string_view item) {
  for (const auto part : split(list, ','))
    if (part == item) return true;
  return false;
}

// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                        (text[i + 3] - '0')));
      i += 3;
    } else {
      plain.push_back(text[i]);
    }
  }
  return plain;
}

// "36 35 98:0 /root /point options… - fstype source superoptions"
template <class Matches>
std::optional<CgroupMount> find_mount(std::string_view mountinfo, Matches matches) {
  while (!mountinfo.empty()) {
    const auto line = take_until(mountinfo, '\n');
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto front = split(line.substr(0, dash), ' ');
    const auto back = split(line.substr(dash + 3), ' ');
    if (front.size() < 6 || back.size() < 3 || !matches(back[0], back[2])) continue;
    return CgroupMount{.point = unescape(front[4]), .root = unescape(front[3])};
  }
  return std::nullopt;
}

// "hierarchy:controllers:path"
template <class Matches>
std::optional<std::string> find_path(std::string_view proc_cgroup, Matches matches) {
  while (!proc_cgroup.empty()) {
    auto line = take_until(proc_cgroup, '\n');
    const auto hierarchy = take_until(line, ':');
    const auto controllers = take_until(line, ':');
    if (line.starts_with('/') && matches(hierarchy, controllers)) return std::string(line);
  }
  return std::nullopt;
}

}  // namespace

std::optional<CgroupMount> find_cgroup2_mount(std::string_view mountinfo) {
  return find_mount(mountinfo,
                    [](std::string_view type, std::string_view) { return type == "cgroup2"; });
}

std::optional<CgroupMount> find_cgroup1_mount(std::string_view mountinfo,
                                              std::string_view controller) {
  return find_mount(mountinfo, [&](std::string_view type, std::string_view options) {
    return type == "cgroup" && contains(options, controller);
  });
}

std::optional<std::string> find_cgroup2_path(std::string_view proc_cgroup) {
  return find_path(proc_cgroup, [](std::string_view hierarchy, std::string_view controllers) {
    return hierarchy == "0" && controllers.empty();
  });
}

std::optional<std::string> find_cgroup1_path(std::string_view proc_cgroup,
                                             std::string_view controller) {
  return find_path(proc_cgroup, [&](std::string_view, std::string_view controllers) {
    return contains(controllers, controller);
  });
}

std::optional<std::string> cgroup_dir(const CgroupMount& mount, std::string_view path) {
  const std::string_view root = mount.root == "/" ? std::string_view{} : mount.root;
  if (!path.starts_with(root)) return std::nullopt;
  path.remove_prefix(root.size());
  if (path.starts_with("/..")) return std::nullopt;  // outside this cgroup namespace
  if (!path.empty() && path.front() != '/') return std::nullopt;
  return path == "/" ? mount.point : mount.point + std::string(path);
}

}  // namespace roost::daemon
