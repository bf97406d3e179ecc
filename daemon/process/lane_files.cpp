#include "daemon/process/lane_files.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/unique_dir.h"
#include "core/model/limits.h"
#include "daemon/process/cgroup_mounts.h"
#include "daemon/process/tree_signal.h"

namespace roost::daemon {
namespace {

constexpr std::size_t kMaxTextBytes = 4U << 20;
constexpr int kMaxDepth = 16;  // of cgroups an app makes within its lane

std::string read_text(const std::string& path) {
  auto text = read_file(path, kMaxTextBytes);
  return text ? std::move(*text) : std::string();
}

Status write_text(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return errno_error("'" + path + "'", errno);
  if (::write(fd.get(), text.data(), text.size()) < 0) return errno_error("'" + path + "'", errno);
  return ok();
}

// A directory of cgroups has two links, and one more for each in it: mostly there is nothing to
// list.
std::vector<std::string> child_dirs(const std::string& dir) {
  struct stat info {};

  constexpr nlink_t kNoChildren = 2;
  if (::stat(dir.c_str(), &info) != 0 || info.st_nlink == kNoChildren) return {};
  const UniqueFd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd ? list_cgroups(fd.get()) : std::vector<std::string>{};
}

void collect_pids(const std::string& dir, std::size_t limit, int depth, std::vector<pid_t>& pids) {
  const std::string text = read_text(dir + "/cgroup.procs");
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end && pids.size() < limit) {
    pid_t pid = 0;
    const auto parsed = std::from_chars(at, end, pid);
    if (parsed.ec != std::errc{}) break;
    if (pid > 0) pids.push_back(pid);  // 0: outside our pid namespace
    at = parsed.ptr + 1;
  }
  if (depth == 0) return;
  for (const auto& child : child_dirs(dir))
    collect_pids(dir + "/" + child, limit, depth - 1, pids);
}

bool contains(const std::vector<pid_t>& pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

// v1 has no cgroup.kill: frozen, nobody forks away while they are signalled one by one.
void kill_v1(const Lane& lane, const std::vector<pid_t>& pids) {
  const std::string freezer = lane.dir + "/freezer.state";
  const bool frozen = static_cast<bool>(write_text(freezer, "FROZEN"));
  const auto now = frozen ? lane_pids(lane, model::limits::kMaxTreeProcesses) : pids;
  for (const pid_t pid : now) {
    const auto stat = read_stat(pid);
    if (stat) (void)signal_process(stat->id, SIGKILL);  // gone is as good
  }
  if (frozen) (void)write_text(freezer, "THAWED");  // fails only with the cgroup gone
}

}  // namespace

CgroupTexts read_cgroup_texts(const std::string& pid) {
  return {.mountinfo = read_text("/proc/self/mountinfo"),
          .proc_cgroup = read_text("/proc/" + pid + "/cgroup")};
}

std::vector<CgroupPlace> find_cgroup_places(const CgroupTexts& texts) {
  std::vector<CgroupPlace> places;
  const auto add = [&places](CgroupKind kind, const std::optional<CgroupMount>& mount,
                             const std::optional<std::string>& path) {
    if (!mount || !path) return;
    if (auto dir = cgroup_dir(*mount, *path)) places.push_back({kind, std::move(*dir)});
  };
  add(CgroupKind::v2, find_cgroup2_mount(texts.mountinfo), find_cgroup2_path(texts.proc_cgroup));
  for (const std::string_view controller : {"freezer", "pids"}) {
    add(CgroupKind::v1, find_cgroup1_mount(texts.mountinfo, controller),
        find_cgroup1_path(texts.proc_cgroup, controller));
  }
  return places;
}

std::vector<std::string> list_cgroups(int dir) {
  std::vector<std::string> names;
  const int again = ::openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) return names;
  const UniqueDir list(::fdopendir(again));
  if (!list) {
    ::close(again);
    return names;
  }
  while (const dirent* entry = ::readdir(list.get())) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  return names;
}

void remove_cgroup(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return;
  const UniqueFd dir(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return;
  for (const auto& child : list_cgroups(dir.get()))
    (void)::unlinkat(dir.get(), child.c_str(), AT_REMOVEDIR);
  (void)::unlinkat(parent, name.c_str(), AT_REMOVEDIR);  // populated: stays until remove_all
}

bool is_populated(const Lane& lane) {
  switch (lane.kind) {
    case CgroupKind::none:
      return false;
    case CgroupKind::v2:
      return read_text(lane.dir + "/cgroup.events").find("populated 1") != std::string::npos;
    case CgroupKind::v1:
      return !lane_pids(lane, 1).empty();
  }
  return false;
}

std::vector<pid_t> lane_pids(const Lane& lane, std::size_t limit) {
  std::vector<pid_t> pids;
  if (lane) collect_pids(lane.dir, limit, kMaxDepth, pids);
  return pids;
}

Status kill_lane(const Lane& lane, pid_t keeper) {
  if (!lane) return Error{Errc::not_found, "no cgroup", ""};
  const auto pids = lane_pids(lane, model::limits::kMaxTreeProcesses);
  if (contains(pids, ::getpid()) || contains(pids, keeper))
    return Error{Errc::conflict, "cgroup '" + lane.dir + "' holds roost itself", ""};
  if (lane.kind == CgroupKind::v2) return write_text(lane.dir + "/cgroup.kill", "1");
  kill_v1(lane, pids);
  return ok();
}

Lane lane_of(pid_t pid, std::string_view home_id) {
  const std::string home = "/roost-" + std::string(home_id) + "/";
  for (auto& place : find_cgroup_places(read_cgroup_texts(std::to_string(pid)))) {
    const auto at = place.dir.rfind(home);
    if (at == std::string::npos) continue;
    const auto name = at + home.size();
    const auto slash = place.dir.find('/', name);  // the app may have made cgroups below
    place.dir.resize(std::min(slash, place.dir.size()));
    const auto dot = place.dir.find('.', name);
    std::uint32_t number = 0;
    if (dot == std::string::npos) continue;
    std::from_chars(&place.dir[dot] + 1, place.dir.data() + place.dir.size(), number);
    if (number != 0) return {.number = number, .kind = place.kind, .dir = std::move(place.dir)};
  }
  return {};
}

}  // namespace roost::daemon
