#include <algorithm>

#include <unistd.h>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/commands/start_config.h"
#include "cli/config_file.h"
#include "cli/file_system.h"
#include "cli/output/graph_view.h"
#include "cli/session.h"
#include "core/model/dependency_graph.h"

namespace roost::cli {
namespace {

GraphApp node_of(const model::AppSpec& spec) {
  return {spec.name, spec.depends_on, spec.wait_for};
}

Result<Graph> graph_of_file(const std::vector<std::string>& words) {
  const auto word = config_word(words);
  if (!word) return word.error();
  const auto directory = working_directory();
  if (!directory) return directory.error();
  const auto loaded = load_apps(*word, {}, inherited_environment(environ), *directory);
  if (!loaded) return loaded.error();
  Graph graph;
  for (const ConfiguredApp& app : loaded->apps)
    graph.apps.push_back(node_of(app.spec));
  return graph;
}

Result<Graph> graph_of_daemon() {
  const auto reply = call(ipc::kDescribe, {});
  if (!reply) return reply.error();
  Graph graph;
  for (const ipc::Description& one : reply->instances)
    if (graph.apps.empty() || graph.apps.back().app != one.spec.name)
      graph.apps.push_back(node_of(one.spec));
  return graph;
}

// An app of a file may depend on one that the daemon has: what is missing is shown, and no fault.
Status check_circles(const Graph& graph) {
  model::DependencyGraph known;
  for (const GraphApp& app : graph.apps) {
    auto& wanted = known[app.app];
    for (const auto& [name, condition] : app.depends_on)
      wanted.insert(name);
  }
  return model::check_dependencies(known, {});
}

}  // namespace

ExitCode run_graph(Invocation& invocation, const Command& self, Args args) {
  std::vector<std::string> words;
  bool dot = false;
  ArgParser parser(invocation, self);
  parser.words("a file of apps", words, {.most = 1});
  parser.flag("--dot", dot, "in the language of Graphviz: roost graph --dot | dot -Tsvg");
  if (const auto done = parser.parse(args)) return *done;
  auto graph = words.empty() ? graph_of_daemon() : graph_of_file(words);
  if (!graph) return invocation.fail(graph.error());
  std::sort(graph->apps.begin(), graph->apps.end(),
            [](const GraphApp& a, const GraphApp& b) { return a.app < b.app; });
  if (Status round = check_circles(*graph); !round) return invocation.fail(round.error());
  if (invocation.options.json)
    invocation.show_json(*graph);
  else if (graph->apps.empty())
    invocation.warn("no apps yet; start one: roost start app.js, or name a file of apps");
  else
    invocation.show(dot ? graph_dot(*graph) : invocation.safe_lines(graph_text(*graph)));
  return ExitCode::ok;
}

}  // namespace roost::cli
