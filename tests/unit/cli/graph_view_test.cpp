#include "cli/output/graph_view.h"

#include <doctest/doctest.h>

namespace roost::cli {

using model::DependencyCondition;

TEST_CASE("graph view: what nothing depends on, below it what it needs, each told once") {
  const Graph graph{
      {{"api", {{"db", DependencyCondition::ready}, {"gone", {}}}, {"tcp:x:1"}},
       {"db", {}, {"file:/a"}},
       {"idle", {}, {}},
       {"web",
        {{"api", DependencyCondition::started}, {"db", DependencyCondition::completed}},
        {}}}};
  CHECK(graph_text(graph) ==
        "idle\n"
        "web\n"
        "├─ api (started)\n"
        "│  ├─ db (ready)\n"
        "│  │  └─ file:/a\n"
        "│  ├─ gone (started): no such app\n"
        "│  └─ tcp:x:1\n"
        "└─ db (completed) (as above)\n");
  CHECK(graph_dot({{{"a\"b", {{"c", DependencyCondition::ready}}, {"file:/x"}}}}) ==
        "digraph roost {\n"
        "  \"a\\\"b\";\n"
        "  \"a\\\"b\" -> \"c\" [label=\"ready\"];\n"
        "  \"file:/x\" [shape=box];\n"
        "  \"a\\\"b\" -> \"file:/x\";\n"
        "}\n");
}

}  // namespace roost::cli
