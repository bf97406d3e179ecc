// Dependencies of apps as a tree of text, or in Graphviz's language. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/record.h"
#include "core/model/app_spec.h"

namespace roost::cli {

struct GraphApp {
  std::string app;
  std::map<std::string, model::DependencyCondition> depends_on;
  std::vector<std::string> wait_for;

  static constexpr auto fields() {
    return std::tuple{req("app", &GraphApp::app, "name of the app"),
                      req("depends_on", &GraphApp::depends_on, "apps that come first"),
                      req("wait_for", &GraphApp::wait_for, "what else comes first")};
  }
};

struct Graph {
  std::vector<GraphApp> apps;  // by name

  static constexpr auto fields() { return std::tuple{req("apps", &Graph::apps, "by name")}; }
};

// Apps that no other one depends on, and below each what it depends on. What was told already is
// not told again.
[[nodiscard]] std::string graph_text(const Graph& graph);
[[nodiscard]] std::string graph_dot(const Graph& graph);

}  // namespace roost::cli
