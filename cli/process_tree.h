// Processes of apps as /proc has them, for `roost tree`: those that descend from the first process
// of a run, and those that carry its ROOST_ID but have left their parents.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "core/base/record.h"

namespace roost::cli {

struct ProcessInfo {
  std::int32_t pid = 0;
  std::int32_t parent = 0;
  double cpu = 0;
  std::uint64_t memory = 0;
  std::string command{};
  std::uint32_t depth = 0;  // below the first process of the run
  bool detached = false;

  static constexpr auto fields() {
    return std::tuple{req("pid", &ProcessInfo::pid, "process id"),
                      req("parent", &ProcessInfo::parent, "process id of its parent"),
                      req("cpu", &ProcessInfo::cpu, "percent of one processor, now"),
                      req("memory", &ProcessInfo::memory, "resident memory, bytes"),
                      req("command", &ProcessInfo::command, "command line"),
                      req("depth", &ProcessInfo::depth, "0: the app's first process"),
                      opt("detached", &ProcessInfo::detached, "it has left its parent")};
  }
};

// What /proc/PID/stat tells.
struct ProcessStat {
  std::int32_t parent = 0;
  std::uint64_t ticks = 0;  // of processor time
  std::uint64_t start = 0;
  std::uint64_t pages = 0;
  std::string name{};
};

// Nothing (parent -1) when the text is not of that form.
[[nodiscard]] ProcessStat parse_process_stat(std::string_view text);

using ProcessTable = std::map<pid_t, ProcessStat>;

// The processes below `root`, itself first, each right behind its parent, by pid; those of
// `detached` and what descends from them last. Pure.
[[nodiscard]] std::vector<ProcessInfo> order_tree(const ProcessTable& table, pid_t root,
                                                  const std::vector<pid_t>& detached);

// Per root in that order, measured over a moment (for which it sleeps). A root that has ended
// gives none.
[[nodiscard]] std::vector<std::vector<ProcessInfo>> read_trees(const std::vector<pid_t>& roots);

}  // namespace roost::cli
