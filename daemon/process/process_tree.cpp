#include "daemon/process/process_tree.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "core/model/limits.h"

namespace roost::daemon {
namespace {
using model::limits::kMaxTreeProcesses;

void merge(std::vector<ProcessId>& into, const std::vector<ProcessId>& more) {
  into.insert(into.end(), more.begin(), more.end());
  std::sort(into.begin(), into.end());
  into.erase(std::unique(into.begin(), into.end()), into.end());
  // Newest last in practice; what is over the cap is recognised by its parentage again, or not at
  // all.
  if (into.size() > kMaxTreeProcesses) into.resize(kMaxTreeProcesses);
}

bool has(const std::vector<ProcessId>& sorted, const ProcessId& id) {
  return std::binary_search(sorted.begin(), sorted.end(), id);
}

// One search over one snapshot. Membership spreads until nothing is added: by parent, session and
// group from the members found so far.
class Search {
 public:
  Search(const ProcSnapshot& snapshot, const TreeRoot& root, const TreeMemory& memory)
      : snapshot_(snapshot), root_(root), memory_(memory) {
    if (const auto* keeper = find(root.keeper)) {
      keeper_group_ = keeper->stat.pgid;
      keeper_session_ = keeper->stat.sid;
    }
  }

  std::vector<ProcessId> run() {
    seed_links();
    seed_remembered_links();
    bool grown = true;
    while (grown) {
      grown = false;
      for (const auto& process : snapshot_.processes) {
        if (!members_.contains(process.stat.id.pid) && may_belong(process) && belongs(process)) {
          add(process);
          grown = true;
        }
      }
    }
    return living();
  }

 private:
  // They are in the order of their pids: `stop all` searches one snapshot for each of its runs, and
  // an index of it for each would cost more than the search.
  const ProcInfo* find(pid_t pid) const {
    const auto found = std::lower_bound(
        snapshot_.processes.begin(), snapshot_.processes.end(), pid,
        [](const ProcInfo& process, pid_t wanted) { return process.stat.id.pid < wanted; });
    return found == snapshot_.processes.end() || found->stat.id.pid != pid ? nullptr : &*found;
  }

  // The main process leads its session and group, and both outlive it: their number is not given to
  // anyone else while a process is in them. Unless the number is already somebody else's.
  void seed_links() {
    if (root_.main.pid <= 0) return;
    const auto* holder = find(root_.main.pid);
    if (holder != nullptr && !is_main(*holder)) return;
    link_session(root_.main.pid);
    link_group(root_.main.pid);
  }

  // By its start time, or where that is unknown (it died before it could be read) by its ROOST_ID.
  bool is_main(const ProcInfo& process) const {
    if (process.stat.id.pid != root_.main.pid) return false;
    if (root_.main.start_ticks != 0) return process.stat.id == root_.main;
    return process.roost_id && is_of_run(*process.roost_id);
  }

  // Sessions and groups whose leader was seen to belong and has died since.
  void seed_remembered_links() {
    for (const auto& id : memory_.members()) {
      const auto* holder = find(id.pid);
      if (holder != nullptr && holder->stat.id != id) continue;
      link_session(id.pid);
      link_group(id.pid);
    }
  }

  void link_session(pid_t sid) {
    if (sid > 0 && sid != keeper_session_) sessions_.insert(sid);
  }

  void link_group(pid_t pgid) {
    if (pgid > 0 && pgid != keeper_group_) groups_.insert(pgid);
  }

  bool may_belong(const ProcInfo& process) const {
    const auto& stat = process.stat;
    if (stat.id.pid == root_.keeper || stat.id.pid == root_.self || stat.id.pid <= 1) return false;
    if (stat.id.start_ticks < root_.main.start_ticks) return false;
    if (process.roost_id && !is_of_run(*process.roost_id)) return false;
    return root_.foreign || descends_from_keeper(stat);
  }

  // An adopted run has a new number, while its processes carry the old one: the main process's pid
  // is in both.
  bool is_of_run(const RoostId& id) const {
    const RunKey& key = root_.key;
    if (id.key == key) return true;
    return root_.foreign && root_.main.pid > 0 && id.root_pid == root_.main.pid &&
           id.key.home_id == key.home_id && id.key.app == key.app &&
           id.key.instance == key.instance;
  }

  bool descends_from_keeper(const ProcStat& stat) const {
    pid_t parent = stat.ppid;
    for (std::size_t steps = 0; steps <= snapshot_.processes.size() && parent > 1; ++steps) {
      if (parent == root_.keeper) return true;
      const auto* next = find(parent);
      if (next == nullptr) return false;
      parent = next->stat.ppid;
    }
    return false;
  }

  bool belongs(const ProcInfo& process) const {
    const auto& stat = process.stat;
    if (is_main(process)) return true;
    if (process.roost_id || memory_.knows(stat.id))
      return true;  // a foreign id was ruled out by may_belong
    if (members_.contains(stat.ppid)) return true;
    if (sessions_.contains(stat.sid) || groups_.contains(stat.pgid)) return true;
    return holds_pipe(process);
  }

  bool holds_pipe(const ProcInfo& process) const {
    const auto ours = [this](std::uint64_t pipe) {
      return pipe != 0 && (pipe == root_.out_pipe || pipe == root_.err_pipe);
    };
    return ours(process.out_pipe) || ours(process.err_pipe);
  }

  // A session or group counts only when its leader belongs: a member that merely sits in somebody
  // else's (a debugger attached, a job of a shell) must not pull the others in.
  void add(const ProcInfo& process) {
    const auto& stat = process.stat;
    members_.emplace(stat.id.pid, &process);
    if (stat.sid == stat.id.pid) link_session(stat.sid);
    if (stat.pgid == stat.id.pid) link_group(stat.pgid);
  }

  std::vector<ProcessId> living() const {
    std::vector<ProcessId> found;
    for (const auto& [pid, process] : members_) {
      if (process->stat.state != 'Z' && process->stat.state != 'X')
        found.push_back(process->stat.id);
    }
    std::sort(found.begin(), found.end(), [this](const ProcessId& a, const ProcessId& b) {
      const bool a_main = a.pid == root_.main.pid;
      const bool b_main = b.pid == root_.main.pid;
      return a_main != b_main ? a_main : a < b;
    });
    if (found.size() > kMaxTreeProcesses) found.resize(kMaxTreeProcesses);
    return found;
  }

  const ProcSnapshot& snapshot_;
  const TreeRoot& root_;
  const TreeMemory& memory_;
  std::unordered_map<pid_t, const ProcInfo*> members_;
  std::unordered_set<pid_t> sessions_;
  std::unordered_set<pid_t> groups_;
  pid_t keeper_session_ = 0;
  pid_t keeper_group_ = 0;
};
}  // namespace

void TreeMemory::remember(const std::vector<ProcessId>& members) {
  merge(members_, members);
}

void TreeMemory::note_signalled(const std::vector<ProcessId>& members) {
  merge(signalled_, members);
}

bool TreeMemory::knows(const ProcessId& id) const {
  return has(members_, id);
}

bool TreeMemory::was_signalled(const ProcessId& id) const {
  return has(signalled_, id);
}

std::vector<ProcessId> find_tree(const ProcSnapshot& snapshot, const TreeRoot& root,
                                 const TreeMemory& memory) {
  return Search(snapshot, root, memory).run();
}

}  // namespace roost::daemon
