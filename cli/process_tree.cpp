#include "cli/process_tree.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <dirent.h>
#include <poll.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/time.h"
#include "core/base/words.h"

namespace roost::cli {
namespace {

constexpr auto kMoment = 200ms;
constexpr std::size_t kMostBytes = 1U << 20;

std::string proc_file(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

ProcessTable read_table() {
  ProcessTable table;
  DIR* directory = ::opendir("/proc");
  if (directory == nullptr) return table;
  while (const dirent* entry = ::readdir(directory)) {  // NOLINT: our only thread
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    const auto text = read_file(proc_file(pid, "stat"), kMostBytes);
    ProcessStat stat = text ? parse_process_stat(*text) : ProcessStat{.parent = -1};
    if (stat.parent >= 0) table[pid] = std::move(stat);
  }
  ::closedir(directory);
  return table;
}

// "<home>.<app>.<instance>.<run>." of the process' ROOST_ID; empty when it has none.
std::string run_of(pid_t pid) {
  const auto text = read_file(proc_file(pid, "environ"), kMostBytes);
  if (!text) return {};
  constexpr std::string_view kName = "ROOST_ID=";
  for (std::string_view rest = *text; !rest.empty();) {
    const auto size = std::min(rest.find('\0'), rest.size());
    const std::string_view variable = rest.substr(0, size);
    if (variable.starts_with(kName) && variable.rfind('.') != variable.npos)
      return std::string(variable.substr(kName.size(), variable.rfind('.') + 1 - kName.size()));
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
  return {};
}

std::string command_of(pid_t pid, const std::string& name) {
  const auto text = read_file(proc_file(pid, "cmdline"), kMostBytes);
  if (!text || text->empty()) return "[" + name + "]";
  std::string command = *text;
  while (command.ends_with('\0'))
    command.pop_back();
  std::replace(command.begin(), command.end(), '\0', ' ');
  return command;
}

// Of each root, who carries its ROOST_ID and descends from none of them.
std::map<pid_t, std::vector<pid_t>> find_detached(const ProcessTable& table,
                                                  const std::vector<pid_t>& roots) {
  std::map<std::string, pid_t> by_run;
  std::set<pid_t> known;
  for (const pid_t root : roots) {
    if (const std::string run = run_of(root); !run.empty()) by_run[run] = root;
    for (const ProcessInfo& process : order_tree(table, root, {}))
      known.insert(process.pid);
  }
  std::map<pid_t, std::vector<pid_t>> found;
  for (const auto& [pid, stat] : table) {
    // One whose parent is of the same run comes with it.
    if (known.contains(pid)) continue;
    const std::string run = run_of(pid);
    const auto root = by_run.find(run);
    if (run.empty() || root == by_run.end()) continue;
    if (table.contains(stat.parent) && run_of(stat.parent) == run) continue;
    found[root->second].push_back(pid);
  }
  return found;
}

void add_below(const ProcessTable& table, const std::multimap<pid_t, pid_t>& children,
               const ProcessInfo& process, std::vector<ProcessInfo>& out) {
  out.push_back(process);
  const auto [begin, end] = children.equal_range(process.pid);
  for (auto child = begin; child != end; ++child)
    if (process.depth < 64)
      add_below(table, children,
                {.pid = child->second, .parent = process.pid, .depth = process.depth + 1}, out);
}

}  // namespace

ProcessStat parse_process_stat(std::string_view text) {
  ProcessStat stat{.parent = -1};
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == text.npos || close == text.npos || close < open) return stat;
  const auto words = split_words(text.substr(close + 1));
  if (words.size() < 22) return stat;
  const auto number = [&](std::size_t index, auto& target) {
    const std::string& word = words[index];
    return std::from_chars(word.data(), word.data() + word.size(), target).ec == std::errc{};
  };
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  std::int32_t parent = 0;
  if (!number(1, parent) || !number(11, user) || !number(12, system) || !number(19, stat.start) ||
      !number(21, stat.pages) || words[0] == "Z")
    return stat;
  stat.parent = parent;
  stat.ticks = user + system;
  stat.name = text.substr(open + 1, close - open - 1);
  return stat;
}

std::vector<ProcessInfo> order_tree(const ProcessTable& table, pid_t root,
                                    const std::vector<pid_t>& detached) {
  std::multimap<pid_t, pid_t> children;
  for (const auto& [pid, stat] : table)
    children.emplace(stat.parent, pid);
  std::vector<ProcessInfo> out;
  const auto found = table.find(root);
  if (found == table.end()) return out;
  add_below(table, children, {.pid = root, .parent = found->second.parent}, out);
  for (const pid_t pid : detached)
    if (const auto at = table.find(pid); at != table.end())
      add_below(table, children,
                {.pid = pid, .parent = at->second.parent, .depth = 1, .detached = true}, out);
  return out;
}

std::vector<std::vector<ProcessInfo>> read_trees(const std::vector<pid_t>& roots) {
  const ProcessTable before = read_table();
  const TimePoint begin = Monotonic::now();
  (void)::poll(nullptr, 0, static_cast<int>(to_ms(kMoment)));
  const ProcessTable table = read_table();
  const double seconds = std::chrono::duration<double>(Monotonic::now() - begin).count();
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto detached = find_detached(table, roots);
  std::vector<std::vector<ProcessInfo>> trees;
  for (const pid_t root : roots) {
    const auto own = detached.find(root);
    trees.push_back(
        order_tree(table, root, own == detached.end() ? std::vector<pid_t>{} : own->second));
    for (ProcessInfo& process : trees.back()) {
      const ProcessStat& now = table.at(process.pid);
      process.memory = now.pages * page;
      process.command = command_of(process.pid, now.name);
      const auto old = before.find(process.pid);
      if (old != before.end() && old->second.start == now.start)
        process.cpu = static_cast<double>(now.ticks - old->second.ticks) / ticks / seconds * 100;
    }
  }
  return trees;
}

}  // namespace roost::cli
