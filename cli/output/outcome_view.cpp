#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "cli/output/app_naming.h"
#include "cli/output/units.h"

namespace roost::cli {
namespace {

using ipc::StartOutcome;
using ipc::StopOutcome;

// Of one app, more lines than this that say the same are one line.
constexpr std::size_t kLinesPerApp = 10;
// Of one app, more failures than this are only counted: they nearly always say the same.
constexpr std::size_t kFailuresPerApp = 3;

template <class Outcome>
SeveralInstances names_in(const std::vector<Outcome>& outcomes) {
  SeveralInstances several;
  for (const auto& outcome : outcomes)
    several.add(outcome.instance);
  return several;
}

// "0-4, 7"
std::string id_ranges(const std::vector<std::uint32_t>& ids) {
  std::string out;
  for (std::size_t i = 0; i < ids.size();) {
    std::size_t last = i;
    while (last + 1 < ids.size() && ids[last + 1] == ids[last] + 1)
      ++last;
    if (!out.empty()) out += ", ";
    out += last == i ? std::to_string(ids[i]) : fmt::format("{}-{}", ids[i], ids[last]);
    i = last + 1;
  }
  return out;
}

// Lines of one app that begin with the same verb.
struct Bunch {
  std::vector<std::string> lines;
  std::vector<std::uint32_t> ids;
  std::size_t order = 0;
};

using BunchKey = std::pair<std::string, std::string>;  // app, verb

// Keeps single lines, and puts "<verb> <app>: N instances (ids …)" in place of too many.
class Summary {
 public:
  void add(const ipc::InstanceInfo& instance, const std::string& verb, std::string line) {
    auto& bunch = bunches_[{instance.name, verb}];
    if (bunch.lines.empty()) bunch.order = bunches_.size();
    bunch.lines.push_back(std::move(line));
    bunch.ids.push_back(instance.id);
  }

  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<const std::pair<const BunchKey, Bunch>*> ordered;
    for (const auto& entry : bunches_)
      ordered.push_back(&entry);
    std::sort(ordered.begin(), ordered.end(),
              [](const auto* a, const auto* b) { return a->second.order < b->second.order; });
    std::vector<std::string> out;
    for (const auto* entry : ordered)
      append(out, entry->first, entry->second);
    return out;
  }

 private:
  static void append(std::vector<std::string>& out, const BunchKey& key, const Bunch& bunch) {
    if (bunch.lines.size() <= kLinesPerApp) {
      out.insert(out.end(), bunch.lines.begin(), bunch.lines.end());
      return;
    }
    out.push_back(fmt::format("{} {}: {} instances (ids {})", key.second, key.first,
                              bunch.ids.size(), id_ranges(bunch.ids)));
  }

  std::map<BunchKey, Bunch> bunches_;
};

std::string rest_verb(const StartOutcome& outcome) {
  switch (outcome.rests_as) {
    case ipc::RestsAs::ended:
      return "ran";
    case ipc::RestsAs::added:
      return "added";
    case ipc::RestsAs::left:
      return outcome.changed ? "changed" : "left down:";
    case ipc::RestsAs::stopped:
      return "stopped";
  }
  return {};
}

std::string start_verb(const StartOutcome& outcome, std::string_view verb) {
  if (outcome.already_running) return "already running:";
  if (outcome.scheduled) return outcome.instance.pid != 0 ? "started" : "scheduled";
  if (outcome.instance.scheduled) return "ran";
  if (outcome.instance.state == model::State::stopped) return rest_verb(outcome);
  return outcome.changed ? "restarted" : std::string(verb);
}

std::string start_detail(const StartOutcome& outcome) {
  const auto& instance = outcome.instance;
  std::string detail = fmt::format("id {}", instance.id);
  if (instance.pid != 0) detail += fmt::format(", pid {}", instance.pid);
  if (outcome.changed) detail += ", new settings";
  if (!outcome.needed_by.empty()) detail += ", for " + outcome.needed_by;
  if (outcome.instance.pid == 0 && outcome.rests_as == ipc::RestsAs::ended &&
      outcome.instance.state == model::State::stopped && outcome.instance.last_exit)
    detail += ", " + model::describe(*outcome.instance.last_exit);
  if (outcome.scheduled && instance.pid == 0 && !instance.reason.empty())
    detail += ", " + instance.reason;
  if (outcome.already_running)
    detail +=
        fmt::format(", uptime {}", format_duration(std::chrono::milliseconds(instance.uptime_ms)));
  return detail;
}

std::string stop_line(const StopOutcome& outcome, std::string_view name, std::string_view verb) {
  if (outcome.already_stopped)
    return verb == "stopped" ? fmt::format("already stopped: {} (id {})", name, outcome.instance.id)
                             : fmt::format("{} {} (id {})", verb, name, outcome.instance.id);
  if (outcome.pid == 0)
    return fmt::format("{} {} (id {}, it had no process)", verb, name, outcome.instance.id);
  std::string detail = fmt::format("pid {}", outcome.pid);
  if (outcome.processes > 1 || outcome.killed > 0)
    detail += ", " + counted(outcome.processes, "process", "processes");
  if (outcome.killed > 0) detail += fmt::format(", {} needed SIGKILL", outcome.killed);
  return fmt::format("{} {} ({})", verb, name, detail);
}

std::string stop_verb(const StopOutcome& outcome, std::string_view verb) {
  return outcome.already_stopped && verb == "stopped" ? "already stopped:" : std::string(verb);
}

void append_tail(std::vector<std::string>& out, std::string_view tail, const Terminal& terminal) {
  while (!tail.empty()) {
    const auto size = std::min(tail.find('\n'), tail.size());
    out.push_back("  | " + shown(tail.substr(0, size), terminal));
    tail.remove_prefix(std::min(size + 1, tail.size()));
  }
}

}  // namespace

std::vector<std::string> start_lines(const ipc::StartReply& reply, std::string_view verb) {
  const auto several = names_in(reply.outcomes);
  Summary summary;
  for (const auto& outcome : reply.outcomes) {
    if (!outcome.ok) continue;
    const auto word = start_verb(outcome, verb);
    summary.add(
        outcome.instance, word,
        fmt::format("{} {} ({})", word, several.name_of(outcome.instance), start_detail(outcome)));
  }
  return summary.lines();
}

std::vector<std::string> failure_lines(const ipc::StartReply& reply, const Terminal& terminal) {
  const auto several = names_in(reply.outcomes);
  std::vector<std::string> out;
  std::map<std::string, std::size_t> failures;
  for (const auto& outcome : reply.outcomes) {
    if (outcome.ok || ++failures[outcome.instance.name] > kFailuresPerApp) continue;
    out.push_back(fmt::format("failed {} (id {}): {}", several.name_of(outcome.instance),
                              outcome.instance.id, shown(outcome.error, terminal)));
    append_tail(out, outcome.stderr_tail, terminal);
  }
  for (const auto& [name, count] : failures)
    if (count > kFailuresPerApp)
      out.push_back(
          fmt::format("failed {}: {}", name,
                      counted(count - kFailuresPerApp, "more instance", "more instances")));
  return out;
}

std::vector<std::string> stop_lines(const ipc::StopReply& reply, std::string_view verb) {
  const auto several = names_in(reply.outcomes);
  Summary summary;
  for (const auto& outcome : reply.outcomes)
    summary.add(outcome.instance, stop_verb(outcome, verb),
                stop_line(outcome, several.name_of(outcome.instance), verb));
  return summary.lines();
}

}  // namespace roost::cli
