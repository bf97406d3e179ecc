#include "daemon/process/tree_signal.h"

#include <algorithm>
#include <utility>

#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/time.h"
#include "core/model/limits.h"
#include "daemon/process/proc_children.h"
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

bool has(const std::vector<ProcessId>& ids, pid_t pid) {
  return std::any_of(ids.begin(), ids.end(), [pid](const ProcessId& id) { return id.pid == pid; });
}

bool keeps_children_in(const std::vector<ProcessId>& lane, pid_t pid) {
  const auto children = children_of(pid);
  return children && std::all_of(children->begin(), children->end(),
                                 [&lane](pid_t child) { return has(lane, child); });
}

// Nobody leaves a lane but who is moved out of it (by pam_systemd for `su -`, say). As long as the
// main process and all children of those within are there, nobody was, and no walk is needed, which
// takes a look at every process of every app.
bool is_all(const std::vector<ProcessId>& lane, const TreeRoot& root) {
  constexpr std::size_t kMostMembers = 32;
  return lane.size() <= kMostMembers && std::count(lane.begin(), lane.end(), root.main) == 1 &&
         std::all_of(lane.begin(), lane.end(),
                     [&](const ProcessId& id) { return keeps_children_in(lane, id.pid); });
}

// The main process first: a supervisor of its own is told before its workers are.
std::vector<ProcessId> find_members(const TreeRoot& root, const TreeMemory& memory,
                                    std::int64_t asked_ns) {
  std::vector<ProcessId> in_lane = find_in_lane(root);
  if (is_all(in_lane, root)) {
    std::iter_swap(in_lane.begin(), std::find(in_lane.begin(), in_lane.end(), root.main));
    return in_lane;
  }
  std::vector<ProcessId> members = find_by_walk(root, memory, asked_ns);
  for (const auto& id : in_lane) {
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
