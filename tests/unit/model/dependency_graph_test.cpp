#include "core/model/dependency_graph.h"

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::model;

TEST_CASE("dependencies: layers and diamonds are fine") {
  CHECK(check_dependencies({}, {}));
  CHECK(check_dependencies(
      {{"db", {}}, {"cache", {"db"}}, {"api", {"db", "cache"}}, {"web", {"api", "cache"}}},
      {"db", "cache", "api", "web"}));
}

TEST_CASE("dependencies: a circle is named") {
  const Status circle =
      check_dependencies({{"a", {"b"}}, {"b", {"c"}}, {"c", {"b"}}, {"d", {"a"}}}, {"d"});
  REQUIRE_FALSE(circle);
  CHECK(circle.error().message == "apps depend on each other in a circle: b → c → b");
  const Status self = check_dependencies({{"a", {"a"}}}, {"a"});
  REQUIRE_FALSE(self);
  CHECK(self.error().message == "apps depend on each other in a circle: a → a");
}

TEST_CASE("dependencies: a name that is not there is refused, with the nearest one") {
  const Status unknown = check_dependencies({{"api", {"databse"}}, {"database", {}}}, {"api"});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message == "app 'api' depends on 'databse', and there is no such app");
  CHECK(unknown.error().hint.find("database") != std::string::npos);
}

TEST_CASE("dependencies: of others something may be missing, and circles are found all the same") {
  const DependencyGraph graph{{"api", {"gone"}}, {"web", {"api"}}, {"new", {}}};
  CHECK(check_dependencies(graph, {"new"}));
  CHECK(check_dependencies(graph, {"web"}));
  CHECK_FALSE(check_dependencies(graph, {"new", "api"}));
  CHECK_FALSE(check_dependencies({{"api", {"gone", "web"}}, {"web", {"api"}}}, {}));
}

TEST_CASE("dependencies: who misses an app that goes, unless it goes as well") {
  const DependencyGraph graph{{"db", {}}, {"web", {"db"}}, {"worker", {"db", "web"}}};
  CHECK(who_misses(graph, "db", {"db"}) ==
        "web, worker depend on db and cannot be started without it");
  CHECK(who_misses(graph, "db", {"db", "web"}) ==
        "worker depends on db and cannot be started without it");
  CHECK(who_misses(graph, "worker", {"worker"}).empty());
}
