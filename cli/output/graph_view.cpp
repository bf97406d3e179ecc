#include "cli/output/graph_view.h"

#include <algorithm>
#include <set>

#include "core/base/record_codec.h"

namespace roost::cli {
namespace {

class Tree {
 public:
  explicit Tree(const Graph& graph) {
    for (const GraphApp& app : graph.apps)
      apps_[app.app] = &app;
  }

  void add(const std::string& name, const std::string& words, const std::string& indent) {
    const auto app = apps_.find(name);
    const bool known = app != apps_.end();
    const bool leaf = !known || (app->second->depends_on.empty() && app->second->wait_for.empty());
    const bool again = !told_.insert(name).second && !leaf;
    text_ += name + words + (known ? "" : ": no such app") + (again ? " (as above)" : "") + "\n";
    if (leaf || again) return;
    std::size_t left = app->second->depends_on.size() + app->second->wait_for.size();
    for (const auto& [other, condition] : app->second->depends_on) {
      --left;
      text_ += indent + (left > 0 ? "├─ " : "└─ ");
      add(other, " (" + std::string(codec::enum_name(condition)) + ")",
          indent + (left > 0 ? "│  " : "   "));
    }
    for (const std::string& target : app->second->wait_for) {
      --left;
      text_ += indent + (left > 0 ? "├─ " : "└─ ") + target + "\n";
    }
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::map<std::string, const GraphApp*> apps_;
  std::set<std::string> told_;
  std::string text_;
};

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string graph_text(const Graph& graph) {
  std::set<std::string> needed;
  for (const GraphApp& app : graph.apps)
    for (const auto& [name, condition] : app.depends_on)
      needed.insert(name);
  Tree tree(graph);
  for (const GraphApp& app : graph.apps)
    if (!needed.contains(app.app)) tree.add(app.app, "", "");
  return tree.text();
}

std::string graph_dot(const Graph& graph) {
  std::string text = "digraph roost {\n";
  for (const GraphApp& app : graph.apps) {
    text += "  " + quoted(app.app) + ";\n";
    for (const auto& [name, condition] : app.depends_on)
      text += "  " + quoted(app.app) + " -> " + quoted(name) +
              " [label=" + quoted(std::string(codec::enum_name(condition))) + "];\n";
    for (const std::string& target : app.wait_for) {
      text += "  " + quoted(target) + " [shape=box];\n";
      text += "  " + quoted(app.app) + " -> " + quoted(target) + ";\n";
    }
  }
  return text + "}\n";
}

}  // namespace roost::cli
