#include "core/model/dependency_graph.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/base/suggest.h"

namespace roost::model {
namespace {

// A walk that remembers where it is, and what it has seen to the end.
class Search {
 public:
  explicit Search(const DependencyGraph& graph) : graph_(graph) {}

  // The names of a circle that can be reached from here, its first one again at the end; or empty.
  std::string find_circle(const std::string& name) {
    if (const auto at = std::find(path_.begin(), path_.end(), name); at != path_.end())
      return words(at, name);
    if (!done_.insert(name).second) return {};
    const auto node = graph_.find(name);
    if (node == graph_.end()) return {};
    path_.push_back(name);
    for (const std::string& next : node->second)
      if (std::string circle = find_circle(next); !circle.empty()) return circle;
    path_.pop_back();
    return {};
  }

 private:
  [[nodiscard]] std::string words(std::vector<std::string>::const_iterator from,
                                  const std::string& again) const {
    std::string text;
    for (; from != path_.end(); ++from)
      text += *from + " → ";
    return text + again;
  }

  const DependencyGraph& graph_;
  std::vector<std::string> path_;
  std::set<std::string> done_;
};

}  // namespace

Status check_dependencies(const DependencyGraph& graph, const std::set<std::string>& complete) {
  std::vector<std::string_view> names;
  for (const auto& [name, dependencies] : graph)
    names.push_back(name);
  for (const auto& [name, dependencies] : graph)
    for (const std::string& wanted : dependencies)
      if (!graph.contains(wanted) && complete.contains(name))
        return Error{Errc::invalid,
                     "app '" + name + "' depends on '" + wanted + "', and there is no such app",
                     did_you_mean(wanted, names)};
  Search search(graph);
  for (const auto& [name, dependencies] : graph)
    if (const std::string circle = search.find_circle(name); !circle.empty())
      return Error{Errc::invalid, "apps depend on each other in a circle: " + circle,
                   "take one of these out of depends_on"};
  return ok();
}

std::string who_misses(const DependencyGraph& graph, const std::string& app,
                       const std::set<std::string>& going) {
  std::string names;
  std::size_t count = 0;
  for (const auto& [name, wanted] : graph) {
    if (going.contains(name) || !wanted.contains(app)) continue;
    names += (names.empty() ? "" : ", ") + name;
    ++count;
  }
  if (count == 0) return {};
  return names + (count == 1 ? " depends on " : " depend on ") + app +
         " and cannot be started without it";
}

}  // namespace roost::model
