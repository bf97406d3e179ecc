#include "daemon/process/memory_groups.h"

#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "daemon/process/cgroup_mounts.h"
#include "daemon/process/lane_files.h"

namespace roost::daemon {
namespace {

constexpr mode_t kDirMode = 0755;
constexpr std::size_t kMaxText = 64U << 10;

Status write_text(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), text.data(), text.size()) < 0)
    return errno_error("'" + path + "'", errno);
  return ok();
}

Status make_directory(const std::string& dir) {
  if (::mkdir(dir.c_str(), kDirMode) == 0 || errno == EEXIST) return ok();
  return errno_error("make cgroup '" + dir + "'", errno);
}

bool has_memory(const std::string& dir) {
  return ::access((dir + "/memory.max").c_str(), W_OK) == 0;
}

// The number behind a word at the beginning of a line.
std::uint64_t number_behind(std::string_view text, std::string_view word) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(word) || line.substr(word.size(), 1) != " ") continue;
    std::uint64_t number = 0;
    std::from_chars(line.data() + word.size() + 1, line.data() + line.size(), number);
    return number;
  }
  return 0;
}

}  // namespace

// The memory controller is in one hierarchy only.
void MemoryGroups::look() {
  if (kind_) return;
  kind_ = CgroupKind::none;
  const Status v1 = open_v1();
  if (v1) {
    kind_ = CgroupKind::v1;
    return;
  }
  const Status v2 = open_v2();
  if (v2) {
    kind_ = CgroupKind::v2;
    return;
  }
  problem_ = (v1.error().code == Errc::not_found ? v2 : v1).error().message;
}

Status MemoryGroups::open_v1() {
  const CgroupTexts texts = read_cgroup_texts("self");
  const auto mount = find_cgroup1_mount(texts.mountinfo, "memory");
  const auto path = find_cgroup1_path(texts.proc_cgroup, "memory");
  const auto place = mount && path ? cgroup_dir(*mount, *path) : std::nullopt;
  if (!place) return Error{Errc::not_found, "no memory cgroup is mounted", {}};
  dir_ = *place + "/roost-" + home_id_;
  if (Status made = make_directory(dir_); !made) return made;
  if (::access((dir_ + "/memory.limit_in_bytes").c_str(), W_OK) == 0) return ok();
  return errno_error("'" + dir_ + "/memory.limit_in_bytes'", errno);
}

// The controller has to be given to the lanes from above; a cgroup that processes live in cannot,
// and we live in the one above, unless it is the root.
Status MemoryGroups::open_v2() {
  const CgroupTexts texts = read_cgroup_texts("self");
  const auto mount = find_cgroup2_mount(texts.mountinfo);
  const auto path = find_cgroup2_path(texts.proc_cgroup);
  const auto place = mount && path ? cgroup_dir(*mount, *path) : std::nullopt;
  if (!place) return Error{Errc::not_found, "no cgroup file system is mounted", {}};
  dir_ = *place + "/roost-" + home_id_;
  if (Status made = make_directory(dir_); !made) return made;
  if (!has_memory(dir_))
    if (Status given = write_text(*place + "/cgroup.subtree_control", "+memory"); !given)
      return given;
  return write_text(dir_ + "/cgroup.subtree_control", "+memory");
}

const std::string& MemoryGroups::problem() {
  look();
  return problem_;
}

MemoryGroup MemoryGroups::find(const Lane& lane, model::InstanceId instance) {
  look();
  if (!lane || *kind_ == CgroupKind::none) return {};
  if (*kind_ == CgroupKind::v2)
    return lane.kind == CgroupKind::v2 ? MemoryGroup{*kind_, lane.dir} : MemoryGroup{};
  return {*kind_, dir_ + "/" + std::to_string(raw(instance)) + "." + std::to_string(lane.number)};
}

Result<MemoryGroup> MemoryGroups::make(const Lane& lane, model::InstanceId instance,
                                       std::uint64_t bytes) {
  MemoryGroup group = find(lane, instance);
  if (!group)
    return Error{Errc::unavailable, problem_.empty() ? "the run has no cgroup" : problem_, {}};
  const std::string text = std::to_string(bytes);
  if (group.kind == CgroupKind::v2) {
    if (Status set = write_text(group.dir + "/memory.max", text); !set)
      return std::move(set).error();
    (void)write_text(group.dir + "/memory.oom.group", "1");  // else one process at a time
    (void)write_text(group.dir + "/memory.swap.max", "0");   // where there is swap
    return group;
  }
  (void)::rmdir(group.dir.c_str());  // its counters are those of the run before
  if (Status made = make_directory(group.dir); !made) return std::move(made).error();
  if (Status set = write_text(group.dir + "/memory.limit_in_bytes", text); !set)
    return std::move(set).error();
  (void)write_text(group.dir + "/memory.memsw.limit_in_bytes", text);  // where swap is counted
  return group;
}

void MemoryGroups::remove(const MemoryGroup& group) const {
  if (group.kind == CgroupKind::v1) (void)::rmdir(group.dir.c_str());
}

void MemoryGroups::remove_all() {
  if (!kind_ || *kind_ != CgroupKind::v1) return;
  const UniqueFd root(::open(dir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return;
  for (const auto& child : list_cgroups(root.get()))
    remove_cgroup(root.get(), child);
  (void)::rmdir(dir_.c_str());
}

std::uint64_t oom_kills(const MemoryGroup& group) {
  if (!group) return 0;
  const bool v1 = group.kind == CgroupKind::v1;
  const auto text =
      read_file(group.dir + (v1 ? "/memory.oom_control" : "/memory.events"), kMaxText);
  return text ? number_behind(*text, "oom_kill") : 0;
}

}  // namespace roost::daemon
