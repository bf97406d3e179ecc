#include "daemon/process/proc_children.h"

#include <array>
#include <charconv>
#include <memory>
#include <string>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/base/unique_fd.h"

namespace roost::daemon {
namespace {

constexpr std::size_t kMostThreads = 32;
constexpr std::size_t kMostBytes = 4096;

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

bool is_number(std::string_view name) {
  return !name.empty() && name.front() >= '0' && name.front() <= '9';
}

// "123 456 ", appended to `pids`.
bool read_children(int task_dir, const std::string& thread, std::vector<pid_t>& pids) {
  const UniqueFd fd(::openat(task_dir, (thread + "/children").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, kMostBytes> text;
  const ssize_t size = fd ? ::read(fd.get(), text.data(), text.size()) : -1;
  if (size < 0 || size == static_cast<ssize_t>(text.size())) return false;
  const char* at = text.data();
  const char* end = at + size;
  while (at < end) {
    pid_t pid = 0;
    const auto parsed = std::from_chars(at, end, pid);
    if (parsed.ec != std::errc{}) return false;
    pids.push_back(pid);
    at = parsed.ptr + 1;
  }
  return true;
}

}  // namespace

std::optional<std::vector<pid_t>> children_of(pid_t pid) {
  const std::unique_ptr<DIR, CloseDir> tasks(
      ::opendir(("/proc/" + std::to_string(pid) + "/task").c_str()));
  if (!tasks) return std::nullopt;
  std::vector<pid_t> pids;
  std::size_t threads = 0;
  while (const dirent* entry = ::readdir(tasks.get())) {
    if (!is_number(entry->d_name)) continue;
    if (++threads > kMostThreads || !read_children(::dirfd(tasks.get()), entry->d_name, pids))
      return std::nullopt;
  }
  if (threads == 0) return std::nullopt;
  return pids;
}

}  // namespace roost::daemon
