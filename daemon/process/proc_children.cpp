#include "daemon/process/proc_children.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "core/base/fs.h"
#include "core/base/unique_dir.h"

namespace roost::daemon {
namespace {

// "123 456 "
bool append_pids(std::string_view list, std::vector<pid_t>& pids) {
  const char* at = list.data();
  const char* end = at + list.size();
  while (at < end) {
    pid_t pid = 0;
    const auto parsed = std::from_chars(at, end, pid);
    if (parsed.ec != std::errc{}) return false;
    pids.push_back(pid);
    at = parsed.ptr + 1;
  }
  return true;
}

// What can be read; false where something cannot.
bool append_children(pid_t pid, std::vector<pid_t>& pids) {
  constexpr std::size_t kMostBytes = 1U << 20;
  const std::string path = "/proc/" + std::to_string(pid) + "/task";
  const UniqueDir tasks(::opendir(path.c_str()));
  bool all = tasks != nullptr;
  while (const dirent* entry = tasks ? ::readdir(tasks.get()) : nullptr) {
    if (entry->d_name[0] == '.') continue;
    const auto list = read_file(path + '/' + entry->d_name + "/children", kMostBytes);
    all = list && append_pids(*list, pids) && all;
  }
  return all;
}

}  // namespace

std::optional<std::vector<pid_t>> children_of(pid_t pid) {
  std::vector<pid_t> pids;
  if (!append_children(pid, pids)) return std::nullopt;
  return pids;
}

std::vector<pid_t> descendants(pid_t root, std::size_t most) {
  std::vector<pid_t> found{root};
  for (std::size_t at = 0; at < found.size() && found.size() <= most; ++at)
    (void)append_children(found[at], found);
  found.erase(found.begin());
  found.resize(std::min(found.size(), most));
  return found;
}

}  // namespace roost::daemon
