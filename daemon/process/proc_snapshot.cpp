#include "daemon/process/proc_snapshot.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <unordered_map>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/unique_dir.h"
#include "core/base/unique_fd.h"
#include "daemon/process/app_terminal.h"

namespace roost::daemon {
namespace {

constexpr std::size_t kMaxStatBytes = 1024;
constexpr std::size_t kMaxEnvironBytes = 256U << 10;  // ROOST_ID is looked for in this much

constexpr int kMaxExecWaits = 50;  // milliseconds, of one snapshot

template <class T>
bool parse_whole(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

// Up to `buffer.size()` bytes of a file below /proc; nothing when it cannot be read.
std::optional<std::string_view> read_into(int dir, const char* path, std::string& buffer) {
  const UniqueFd fd(::openat(dir, path, O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::size_t used = 0;
  while (used < buffer.size()) {
    const ssize_t got = ::read(fd.get(), buffer.data() + used, buffer.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  return std::string_view(buffer).substr(0, used);
}

std::uint64_t read_pipe_link(int dir, const char* path) {
  char link[64];
  const ssize_t length = ::readlinkat(dir, path, link, sizeof link);
  return length > 0 ? parse_pipe_link({link, static_cast<std::size_t>(length)}) : 0;
}

bool by_pid(const ProcInfo& a, const ProcInfo& b) {
  return a.stat.id.pid < b.stat.id.pid;
}

class Reader {
 public:
  Reader() : proc_(::opendir("/proc")) {}

  // Every process, with its stat line.
  std::vector<ProcInfo> read_stats() {
    std::vector<ProcInfo> processes;
    while (proc_ != nullptr) {
      const dirent* entry = ::readdir(proc_.get());
      if (entry == nullptr) break;
      pid_t pid = 0;
      if (!parse_whole(std::string_view(entry->d_name), pid)) continue;
      const auto line = read_into(fd(), (std::string(entry->d_name) + "/stat").c_str(), stat_);
      if (!line) continue;  // gone meanwhile
      if (const auto stat = parse_stat(*line)) processes.push_back({.stat = *stat});
    }
    std::sort(processes.begin(), processes.end(),
              [](const ProcInfo& a, const ProcInfo& b) { return a.stat.id.pid < b.stat.id.pid; });
    return processes;
  }

  void read_details(ProcInfo& process) {
    const std::string base = std::to_string(process.stat.id.pid);

    struct stat owner {};

    if (::fstatat(fd(), base.c_str(), &owner, 0) != 0 || !may_look_into(owner.st_uid)) return;
    process.roost_id = read_roost_id(base);
    process.out_pipe = read_pipe_link(fd(), (base + "/fd/1").c_str());
    process.err_pipe = read_pipe_link(fd(), (base + "/fd/2").c_str());
  }

 private:
  // In the middle of an exec the environment is empty for some microseconds; a run that is
  // overlooked then would be started a second time by whoever adopts runs.
  std::optional<RoostId> read_roost_id(const std::string& base) {
    while (true) {
      const auto block = read_into(fd(), (base + "/environ").c_str(), environ_);
      if (!block) return std::nullopt;
      if (!block->empty() || exec_waits_ == 0 || !has_environment(base))
        return find_roost_id(*block);
      --exec_waits_;
      const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
      ::nanosleep(&pause, nullptr);
    }
  }

  bool has_environment(const std::string& base) {
    const auto line = read_into(fd(), (base + "/stat").c_str(), stat_);
    return line && stat_tells_environment(*line);
  }

  [[nodiscard]] int fd() const { return ::dirfd(proc_.get()); }

  [[nodiscard]] bool may_look_into(uid_t owner) const { return own_uid_ == 0 || owner == own_uid_; }

  UniqueDir proc_;
  uid_t own_uid_ = ::geteuid();
  int exec_waits_ = kMaxExecWaits;
  std::string stat_ = std::string(kMaxStatBytes, '\0');
  std::string environ_ = std::string(kMaxEnvironBytes, '\0');
};

// The keeper and its descendants.
std::vector<ProcInfo> keeper_tree(const std::vector<ProcInfo>& processes, pid_t keeper) {
  std::unordered_multimap<pid_t, const ProcInfo*> children;
  std::vector<ProcInfo> tree;
  for (const auto& process : processes) {
    if (process.stat.id.pid == keeper) tree.push_back(process);
    children.emplace(process.stat.ppid, &process);
  }
  std::vector<pid_t> open = {keeper};
  while (!open.empty()) {
    const auto [first, last] = children.equal_range(open.back());
    open.pop_back();
    for (auto child = first; child != last; ++child) {
      tree.push_back(*child->second);
      open.push_back(child->second->stat.id.pid);
    }
    children.erase(first, last);  // a snapshot is not atomic: parents might form a ring
  }
  std::sort(tree.begin(), tree.end(), by_pid);
  return tree;
}

}  // namespace

std::optional<ProcStat> parse_stat(std::string_view line) {
  // "pid (name) state ppid pgrp session …": the name may hold anything, so its end is the last ')'.
  const auto open = line.find(" (");
  const auto close = line.rfind(") ");
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return std::nullopt;
  ProcStat stat;
  if (!parse_whole(line.substr(0, open), stat.id.pid)) return std::nullopt;
  std::string_view rest = line.substr(close + 2);
  constexpr int kFirst = 3;
  constexpr int kStartTime = 22;
  for (int field = kFirst; field <= kStartTime; ++field) {
    const auto end = std::min(rest.find_first_of(" \n"), rest.size());
    const auto text = rest.substr(0, end);
    bool good = !text.empty();
    if (field == 3 && good) stat.state = text.front();
    if (field == 4) good = parse_whole(text, stat.ppid);
    if (field == 5) good = parse_whole(text, stat.pgid);
    if (field == 6) good = parse_whole(text, stat.sid);
    if (field == kStartTime) good = parse_whole(text, stat.id.start_ticks);
    if (!good) return std::nullopt;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return stat;
}

bool stat_tells_environment(std::string_view line) {
  constexpr int kFlags = 9;
  constexpr int kEnvStart = 50;  // this and the next: 0 in the middle of exec
  constexpr int kEnvEnd = 51;
  constexpr std::uint64_t kExiting = 0x4;
  constexpr std::uint64_t kKernelThread = 0x200000;
  const auto close = line.rfind(") ");
  if (close == std::string_view::npos) return false;
  std::string_view rest = line.substr(close + 2);
  std::uint64_t flags = 0;
  std::uint64_t env_start = 0;
  std::uint64_t env_end = 0;
  for (int field = 3; field <= kEnvEnd; ++field) {
    const auto end = std::min(rest.find_first_of(" \n"), rest.size());
    if (field == kFlags && !parse_whole(rest.substr(0, end), flags)) return false;
    if (field == kEnvStart && !parse_whole(rest.substr(0, end), env_start)) return false;
    if (field == kEnvEnd && !parse_whole(rest.substr(0, end), env_end)) return false;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const bool settled_without = env_end != 0 && env_end <= env_start;
  return !settled_without && (flags & (kExiting | kKernelThread)) == 0;
}

std::uint64_t parse_pipe_link(std::string_view link) {
  constexpr std::string_view kPrefix = "pipe:[";
  std::uint64_t inode = 0;
  if (!link.starts_with(kPrefix) || !link.ends_with(']')) return 0;
  const auto digits = link.substr(kPrefix.size(), link.size() - kPrefix.size() - 1);
  return parse_whole(digits, inode) ? inode : 0;
}

ProcSnapshot read_processes(Scope scope, pid_t keeper) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  ProcSnapshot snapshot;
  snapshot.taken_ns = now.tv_sec * 1'000'000'000 + now.tv_nsec;
  Reader reader;
  snapshot.processes = reader.read_stats();
  if (scope == Scope::keeper_tree) snapshot.processes = keeper_tree(snapshot.processes, keeper);
  for (auto& process : snapshot.processes)
    reader.read_details(process);
  return snapshot;
}

std::optional<ProcStat> read_stat(pid_t pid) {
  std::string buffer(kMaxStatBytes, '\0');
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const auto line = read_into(AT_FDCWD, path.c_str(), buffer);
  return line ? parse_stat(*line) : std::nullopt;
}

ProcessId identify(pid_t pid, int pidfd) {
  const auto stat = read_stat(pid);
  pollfd dead{.fd = pidfd, .events = POLLIN, .revents = 0};
  const bool alive = stat && ::poll(&dead, 1, 0) == 0;
  return {.pid = pid, .start_ticks = alive ? stat->id.start_ticks : 0};
}

std::array<std::uint8_t, 16> read_boot_id() {
  std::array<std::uint8_t, 16> id{};
  std::string buffer(64, '\0');
  const auto text = read_into(AT_FDCWD, "/proc/sys/kernel/random/boot_id", buffer);
  std::string digits;
  for (const char c : text.value_or(std::string_view{})) {
    if (std::strchr("0123456789abcdef", c) != nullptr && c != '\0') digits.push_back(c);
  }
  if (digits.size() != 2 * id.size()) return {};
  for (std::size_t i = 0; i < id.size(); ++i)
    (void)std::from_chars(&digits[2 * i], &digits[2 * i] + 2, id[i], 16);  // hex digits only
  return id;
}

std::uint64_t pipe_inode(int fd) {
  struct stat info {};

  if (::fstat(fd, &info) != 0) return 0;
  if (S_ISFIFO(info.st_mode)) return info.st_ino;
  constexpr std::uint64_t kNoPipe = std::uint64_t{1} << 63;  // they have 32 bits
  const auto terminal = S_ISCHR(info.st_mode) ? terminal_number(fd) : std::nullopt;
  return terminal ? kNoPipe | *terminal : 0;
}

}  // namespace roost::daemon
