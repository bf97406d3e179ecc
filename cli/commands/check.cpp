#include <unistd.h>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/commands/start_config.h"
#include "cli/file_system.h"
#include "core/model/dependency_graph.h"
#include "core/model/spec_diff.h"

namespace roost::cli {
namespace {

struct CheckedApp {
  model::AppSpec spec;
  bool start = true;

  static constexpr auto fields() {
    return std::tuple{req("spec", &CheckedApp::spec, "what the app would be; secrets masked"),
                      req("start", &CheckedApp::start, "whether it is started")};
  }
};

struct Checked {
  std::vector<CheckedApp> apps;
  std::vector<std::string> remarks;

  static constexpr auto fields() {
    return std::tuple{req("apps", &Checked::apps, "in the order of the file"),
                      req("remarks", &Checked::remarks, "what has no effect, and the like")};
  }
};

// Whether what an app depends on is there is for `apply` to say: the daemon may have it.
Status check_circles(const std::vector<ConfiguredApp>& apps) {
  model::DependencyGraph graph;
  for (const ConfiguredApp& app : apps)
    for (const auto& [name, condition] : app.spec.depends_on)
      graph[app.spec.name].insert(name);
  return model::check_dependencies(graph, {});
}

}  // namespace

ExitCode run_check(Invocation& invocation, const Command& self, Args args) {
  std::vector<std::string> words;
  ConfigWishes wishes;
  std::optional<std::string> env_name;
  ArgParser parser(invocation, self);
  parser.words("a file of apps", words, {.most = 1});
  parser.value("--env", "NAME", env_name, "with the file's env_NAME");
  if (const auto done = parser.parse(args)) return *done;
  wishes.env_name = env_name.value_or("");
  const auto word = config_word(words);
  if (!word) return invocation.fail(word.error());
  const auto directory = working_directory();
  if (!directory) return invocation.fail(directory.error());
  auto loaded = load_apps(*word, wishes, inherited_environment(environ), *directory);
  if (!loaded) return invocation.fail(loaded.error());
  if (Status possible = check_circles(loaded->apps); !possible)
    return invocation.fail(std::move(possible).error().context(*word));
  if (invocation.options.json) {
    Checked checked{{}, std::move(loaded->remarks)};
    for (ConfiguredApp& app : loaded->apps)
      checked.apps.push_back({model::masked(std::move(app.spec)), app.autostart});
    invocation.show_json(checked);
    return ExitCode::ok;
  }
  for (const std::string& remark : loaded->remarks)
    invocation.warn("note: " + invocation.safe(remark));
  std::string names;
  for (const ConfiguredApp& app : loaded->apps)
    names += (names.empty() ? "" : ", ") + app.spec.name;
  invocation.say(invocation.safe(*word) + " is right; its apps: " + names);
  return ExitCode::ok;
}

}  // namespace roost::cli
