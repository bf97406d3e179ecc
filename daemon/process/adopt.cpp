#include "daemon/process/adopt.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "daemon/process/tree_signal.h"

namespace roost::daemon {
namespace {

// The open flags of another process's descriptor, in octal in its fdinfo; -1 when unknown.
int open_flags(pid_t pid, int fd) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fdinfo/" + std::to_string(fd);
  const auto text = read_file(path, 64U << 10);
  if (!text) return -1;
  constexpr std::string_view kName = "flags:";
  const auto name = text->find(kName);
  if (name == std::string::npos) return -1;
  const auto digits = text->find_first_not_of(" \t", name + kName.size());
  if (digits == std::string::npos) return -1;
  int flags = -1;
  std::from_chars(text->data() + digits, text->data() + text->size(), flags, 8);
  return flags;
}

// Roost's own pipes are known by being open for reading and writing (app_pipe.h): a read end of a
// pipe that the app made for itself would take bytes from it.
UniqueFd reopen_pipe(pid_t pid, int fd) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd);
  char link[64];
  const ssize_t length = ::readlink(path.c_str(), link, sizeof link);
  if (length <= 0 || parse_pipe_link({link, static_cast<std::size_t>(length)}) == 0) return {};
  const int flags = open_flags(pid, fd);
  if (flags < 0 || (flags & O_ACCMODE) != O_RDWR) return {};
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

// Nothing in `pidfd` when the process is gone, or is another one by now.
FoundRun take_over(const RunKey& key, const ProcessId& id) {
  FoundRun run{.key = key, .id = id, .lane = {}, .pidfd = open_pidfd(id), .out = {}, .err = {}};
  if (!run.pidfd) return run;
  run.lane = lane_of(id.pid, key.home_id);
  run.out = reopen_pipe(id.pid, STDOUT_FILENO);
  run.err = reopen_pipe(id.pid, STDERR_FILENO);
  const auto now = read_stat(id.pid);
  if (!now || now->id != id) run.pidfd.reset();  // died meanwhile: the pipes may be a stranger's
  return run;
}

bool is_alive(const ProcInfo& process) {
  return process.stat.state != 'Z' && process.stat.state != 'X';
}

}  // namespace

FoundRuns find_runs(std::string_view home_id) {
  FoundRuns found;
  std::vector<RoostId> descendants;
  for (const auto& process : read_processes(Scope::whole, 0).processes) {
    if (!is_alive(process) || !process.roost_id) continue;
    if (process.roost_id->key.home_id != home_id) continue;
    if (process.roost_id->root_pid != process.stat.id.pid) {
      descendants.push_back(*process.roost_id);
      continue;
    }
    FoundRun run = take_over(process.roost_id->key, process.stat.id);
    if (run.pidfd) found.runs.push_back(std::move(run));
  }
  for (auto& id : descendants) {
    const auto same_run = [&id](const auto& other) { return other.key == id.key; };
    if (std::any_of(found.runs.begin(), found.runs.end(), same_run)) continue;
    if (std::any_of(found.strays.begin(), found.strays.end(), same_run)) continue;
    found.strays.push_back(std::move(id));
  }
  return found;
}

Result<FoundRun> reopen(const RunKey& key, const ProcessId& id,
                        const std::array<std::uint8_t, 16>& boot_id) {
  const std::string name = "process " + std::to_string(id.pid);
  if (boot_id != read_boot_id()) return Error{Errc::not_found, name + " is of an earlier boot", ""};
  FoundRun run = take_over(key, id);
  if (!run.pidfd) return Error{Errc::not_found, name + " is gone", ""};
  const auto stat = read_stat(id.pid);
  if (!stat || stat->state == 'Z') return Error{Errc::not_found, name + " is dead", ""};
  return run;
}

}  // namespace roost::daemon
