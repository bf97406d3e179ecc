#include "daemon/process/tree_signal.h"

#include <algorithm>
#include <utility>

#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/time.h"
#include "core/model/limits.h"
#include "daemon/process/shared_walk.h"

namespace roost::daemon {
namespace {

using model::limits::kMaxTreeProcesses;

std::vector<ProcessId> find_in_lane(const TreeRoot& root) {
  std::vector<ProcessId> found;
  for (const pid_t pid : lane_pids(root.lane, kMaxTreeProcesses)) {
    if (pid == root.keeper || pid == root.self || pid == ::getpid()) continue;
    const auto stat = read_stat(pid);
    if (stat && stat->state != 'Z' && stat->state != 'X') found.push_back(stat->id);
  }
  return found;
}

std::vector<ProcessId> find_by_walk(const TreeRoot& root, const TreeMemory& memory,
                                    std::int64_t asked_ns) {
  const Scope scope = root.foreign ? Scope::whole : Scope::keeper_tree;
  if (!root.walk) return find_tree(read_processes(scope, root.keeper), root, memory);
  if (asked_ns == 0) asked_ns = to_ns(Monotonic::now());
  return find_tree(*root.walk->read(scope, root.keeper, asked_ns), root, memory);
}

// The main process first: a supervisor of its own is told before its workers are.
std::vector<ProcessId> find_members(const TreeRoot& root, const TreeMemory& memory,
                                    std::int64_t asked_ns) {
  std::vector<ProcessId> members = find_by_walk(root, memory, asked_ns);
  for (const auto& id : find_in_lane(root)) {
    if (std::find(members.begin(), members.end(), id) == members.end()) members.push_back(id);
  }
  return members;
}

}  // namespace

TreeSignal signal_tree(const TreeRoot& root, int sig, Resend resend, TreeMemory memory,
                       std::int64_t asked_ns) {
  TreeSignal result;
  result.alive = find_members(root, memory, asked_ns);
  for (const auto& id : result.alive) {
    const bool wanted = sig != 0 && (resend == Resend::everyone || !memory.was_signalled(id));
    if (wanted && signal_process(id, sig)) result.signalled.push_back(id);
  }
  memory.remember(result.alive);
  memory.note_signalled(result.signalled);
  result.memory = std::move(memory);
  return result;
}

UniqueFd open_pidfd(const ProcessId& id) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, id.pid, 0U)));
  if (!pidfd) return {};
  // Whoever has the number now keeps it as long as it is not reaped; so this start time is that of
  // the pidfd's process, or that process is dead and a signal to it harmless.
  const auto stat = read_stat(id.pid);
  if (!stat || stat->id != id) return {};
  return pidfd;
}

bool signal_process(const ProcessId& id, int sig) {
  const UniqueFd pidfd = open_pidfd(id);
  return pidfd && ::syscall(SYS_pidfd_send_signal, pidfd.get(), sig, nullptr, 0U) == 0;
}

}  // namespace roost::daemon
