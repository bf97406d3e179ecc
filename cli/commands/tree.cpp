#include "cli/args.h"
#include "cli/commands.h"
#include "cli/output/app_naming.h"
#include "cli/output/table.h"
#include "cli/output/units.h"
#include "cli/process_tree.h"
#include "cli/session.h"

namespace roost::cli {
namespace {

struct AppTree {
  std::uint32_t id = 0;
  std::string name;
  std::uint32_t slot = 0;
  std::vector<ProcessInfo> processes;

  static constexpr auto fields() {
    return std::tuple{req("id", &AppTree::id, "id of the instance"),
                      req("name", &AppTree::name, "name of the app"),
                      req("slot", &AppTree::slot, "number of the instance within the app"),
                      req("processes", &AppTree::processes, "its processes, parents first")};
  }
};

struct Trees {
  std::vector<AppTree> instances;

  static constexpr auto fields() {
    return std::tuple{req("instances", &Trees::instances, "one per instance with a process")};
  }
};

Trees read(const ipc::ListReply& list) {
  Trees trees;
  std::vector<pid_t> roots;
  for (const auto& instance : list.instances) {
    if (instance.pid == 0) continue;
    trees.instances.push_back({instance.id, instance.name, instance.slot, {}});
    roots.push_back(instance.pid);
  }
  if (roots.empty()) return trees;
  auto processes = read_trees(roots);
  for (std::size_t i = 0; i < roots.size(); ++i)
    trees.instances[i].processes = std::move(processes[i]);
  return trees;
}

std::string text_of(const Trees& trees, const ipc::ListReply& list, const Terminal& terminal) {
  using Align = Column::Align;
  SeveralInstances several;
  for (const auto& instance : list.instances)
    several.add(instance);
  Table table{{{"name", Align::left, 0, 8},
               {"pid", Align::right},
               {"cpu", Align::right, 2},
               {"memory", Align::right, 1},
               {"command", Align::left, 0, 12}},
              {}};
  for (const AppTree& tree : trees.instances) {
    ipc::InstanceInfo instance;
    instance.id = tree.id;
    instance.name = tree.name;
    instance.slot = tree.slot;
    for (const ProcessInfo& process : tree.processes) {
      const bool first = process.depth == 0;
      const std::string command = std::string(std::size_t{2} * process.depth, ' ') +
                                  shown(process.command, terminal) +
                                  (process.detached ? " (detached)" : "");
      table.rows.push_back({{{first ? several.name_of(instance) : ""},
                             {std::to_string(process.pid)},
                             {format_percent(process.cpu)},
                             {format_bytes(process.memory)},
                             {command}},
                            {}});
    }
  }
  return table.rows.empty() ? "" : render(table, terminal);
}

}  // namespace

ExitCode run_tree(Invocation& invocation, const Command& self, Args args) {
  ipc::TargetsRequest request;
  ArgParser parser(invocation, self);
  parser.targets("targets", request.targets, {});
  if (const auto done = parser.parse(args)) return *done;
  const auto list = call(ipc::kList, request);
  if (!list) return invocation.fail(list.error());
  const Trees trees = read(*list);
  if (invocation.options.json)
    invocation.show_json(trees);
  else
    invocation.show(text_of(trees, *list, invocation.terminal()));
  if (trees.instances.empty()) invocation.warn("no app has a process");
  return ExitCode::ok;
}

}  // namespace roost::cli
