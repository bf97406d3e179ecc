#include "daemon/process/lanes.h"

#include <array>
#include <cerrno>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/model/limits.h"
#include "daemon/process/cgroup_mounts.h"
#include "daemon/process/lane_files.h"

namespace roost::daemon {
namespace {

constexpr mode_t kDirMode = 0755;
constexpr char kEvents[] = "cgroup.events";

std::string home_dir_name(std::string_view home_id) {
  return "roost-" + std::string(home_id);
}

// Whether we may make cgroups in it and put processes there: tried, since permissions, delegation
// and namespaces all have a say.
Status try_parent(CgroupKind kind, const std::string& dir) {
  if (::mkdir(dir.c_str(), kDirMode) != 0 && errno != EEXIST)
    return errno_error("make cgroup '" + dir + "'", errno);
  if (::access((dir + "/cgroup.procs").c_str(), W_OK) != 0)
    return errno_error("cgroup '" + dir + "'", errno);
  if (kind == CgroupKind::v2 && ::access((dir + "/cgroup.events").c_str(), R_OK) != 0)
    return errno_error("cgroup '" + dir + "'", errno);
  return ok();
}

bool says_populated(const UniqueFd& events) {
  std::array<char, 128> text{};
  const ssize_t size = events ? ::pread(events.get(), text.data(), text.size(), 0) : 0;
  return size > 0 &&
         std::string_view(text.data(), static_cast<std::size_t>(size)).find("populated 1") !=
             std::string_view::npos;
}

}  // namespace

Lanes::Lanes(CgroupKind kind, std::string dir, std::string why)
    : kind_(kind), dir_(std::move(dir)), why_(std::move(why)) {
  if (kind_ == CgroupKind::none) return;
  root_.reset(::open(dir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (root_) return;
  why_ = errno_error("open cgroup '" + dir_ + "'", errno).message;
  kind_ = CgroupKind::none;
}

Lanes Lanes::open(std::string_view home_id) {
  std::string why = "no cgroup file system is mounted";
  for (const auto& place : find_cgroup_places(read_cgroup_texts("self"))) {
    Lanes lanes = open_at(place.kind, place.dir, home_id);
    if (lanes.kind() != CgroupKind::none) return lanes;
    why = lanes.why();
  }
  return Lanes(CgroupKind::none, "", why);
}

Lanes Lanes::open_at(CgroupKind kind, const std::string& parent_dir, std::string_view home_id) {
  const std::string dir = parent_dir + "/" + home_dir_name(home_id);
  if (const auto usable = try_parent(kind, dir); !usable)
    return Lanes(CgroupKind::none, "", usable.error().message);
  return Lanes(kind, dir, "lanes in '" + dir + "'");
}

std::string Lanes::name(model::InstanceId instance, std::uint32_t number) const {
  return std::to_string(raw(instance)) + "." + std::to_string(number);
}

Lane Lanes::find(model::InstanceId instance, std::uint32_t number) const {
  if (kind_ == CgroupKind::none || number == 0) return {};
  return {.number = number, .kind = kind_, .dir = dir_ + "/" + name(instance, number)};
}

Lane Lanes::hold(model::InstanceId instance, std::uint32_t number) {
  Lane lane = find(instance, number);
  if (lane) held_[instance].insert(number);
  return lane;
}

// A lane of unknown history is made anew: Linux 6.14 and later kill whatever is cloned into a
// cgroup on which cgroup.kill was ever used.
bool Lanes::make_empty(const std::string& name) const {
  if (::mkdirat(root_.get(), name.c_str(), kDirMode) == 0) return true;
  if (errno != EEXIST) return false;
  remove_cgroup(root_.get(), name);  // not while somebody lives in it
  return ::mkdirat(root_.get(), name.c_str(), kDirMode) == 0;
}

Lane Lanes::acquire(model::InstanceId instance) {
  if (kind_ == CgroupKind::none) return {};
  auto& held = held_[instance];
  for (std::uint32_t number = 1; number <= kMaxPerInstance; ++number) {
    if (held.contains(number)) continue;
    if (!forget(empty_, instance, number) && !make_empty(name(instance, number))) continue;
    held.insert(number);
    return find(instance, number);
  }
  return {};
}

// On the way of every restart: no path to walk from the root, at best nothing to open.
bool Lanes::populated(model::InstanceId instance, const Lane& lane, Keep keep) {
  if (lane.kind != CgroupKind::v2) return is_populated(lane);
  if (const auto kept = kept_.find({instance, lane.number}); kept != kept_.end())
    return says_populated(kept->second->events);
  OpenLane now;
  const std::string of = name(instance, lane.number);
  if (keep == Keep::open && kept_.size() < model::limits::kMaxKeptOutputs) {
    now.dir.reset(::openat(root_.get(), of.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    now.events.reset(::openat(now.dir.get(), kEvents, O_RDONLY | O_CLOEXEC));
  } else {
    now.events.reset(::openat(root_.get(), (of + '/' + kEvents).c_str(), O_RDONLY | O_CLOEXEC));
  }
  const bool populated = says_populated(now.events);
  if (now.dir && now.events)
    kept_[{instance, lane.number}] = std::make_shared<const OpenLane>(std::move(now));
  return populated;
}

std::shared_ptr<const UniqueFd> Lanes::directory(model::InstanceId instance,
                                                 const Lane& lane) const {
  const auto kept = kept_.find({instance, lane.number});
  if (kept == kept_.end()) return nullptr;
  return {kept->second, &kept->second->dir};
}

bool Lanes::forget(Numbers& numbers, model::InstanceId instance, std::uint32_t number) {
  const auto found = numbers.find(instance);
  if (found == numbers.end()) return false;
  const bool known = found->second.erase(number) != 0;
  if (found->second.empty()) numbers.erase(found);
  return known;
}

void Lanes::release(model::InstanceId instance, std::uint32_t number, Seen seen) {
  if (!forget(held_, instance, number)) return;
  if (seen == Seen::empty)
    empty_[instance].insert(number);
  else
    kept_.erase({instance, number});
}

void Lanes::remove(model::InstanceId instance) {
  if (kind_ == CgroupKind::none) return;
  held_.erase(instance);
  empty_.erase(instance);
  for (std::uint32_t number = 1; number <= kMaxPerInstance; ++number) {
    kept_.erase({instance, number});
    remove_cgroup(root_.get(), name(instance, number));
  }
}

void Lanes::remove_all() {
  if (kind_ == CgroupKind::none) return;
  held_.clear();
  empty_.clear();
  kept_.clear();
  for (const auto& child : list_cgroups(root_.get()))
    remove_cgroup(root_.get(), child);
  (void)::rmdir(dir_.c_str());  // stays while something lives in it
}

}  // namespace roost::daemon
