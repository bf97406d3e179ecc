// Which app comes before which. Pure.
#pragma once

#include <map>
#include <set>
#include <string>

#include "core/base/result.h"

namespace roost::model {

// Names of apps, each with the names it depends on.
using DependencyGraph = std::map<std::string, std::set<std::string>>;

// Errc::invalid names an app that one of `complete` depends on and that is not there, with a
// suggestion, or a circle: "a → b → a". Of the others something may be missing: it was deleted.
[[nodiscard]] Status check_dependencies(const DependencyGraph& graph,
                                        const std::set<std::string>& complete);

// Those that stay and depend on one that goes, in words: "web depends on db and cannot be started
// without it"; empty: there is none.
[[nodiscard]] std::string who_misses(const DependencyGraph& graph, const std::string& app,
                                     const std::set<std::string>& going);

}  // namespace roost::model
