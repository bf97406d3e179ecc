#include "config/nested_fields.h"

#include <string>

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::config;

namespace {

// One app with this as a member; the fault, or empty.
std::string fault_of(const std::string& member, model::AppSpec* spec = nullptr) {
  auto document = parse_document("x.json", "{\"script\": \"x\", " + member + "}", Format::json);
  REQUIRE(document);
  auto read = read_ecosystem(*document, {});
  REQUIRE(read);
  if (!read->problems.empty()) return to_error(*document, read->problems).message;
  if (spec != nullptr) *spec = read->apps.at(0).settings;
  return {};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("health: a table with one target, times and retries") {
  model::AppSpec spec;
  REQUIRE(fault_of(R"("health": {"tcp": "db:5432", "interval": "2s", "timeout": 500, "retries": 5,
                   "startGrace": "1m"})",
                   &spec)
              .empty());
  const model::HealthProbe expected{.kind = model::ProbeKind::tcp,
                                    .target = "db:5432",
                                    .interval = 2s,
                                    .timeout = 500ms,
                                    .retries = 5,
                                    .start_grace = 60s};
  CHECK(spec.health == expected);
}

TEST_CASE("health: what is wrong is told") {
  CHECK(has(fault_of(R"("health": 7)"), "must be a table"));
  CHECK(has(fault_of(R"("health": "ftp:x")"), "tcp:HOST:PORT"));
  CHECK(has(fault_of(R"("health": {})"), "needs one of http, tcp and exec"));
  CHECK(has(fault_of(R"("health": {"tcp": "a:1", "exec": "true"})"),
            "one of http, tcp and exec only"));
  CHECK(has(fault_of(R"("health": {"exec": "true", "intervall": 1})"), "did you mean 'interval'?"));
  CHECK(has(fault_of(R"("health": {"exec": "true", "retries": 0})"), "1 to 1000"));
}

TEST_CASE("depends_on: names, or names with what they have to be") {
  using Condition = model::DependencyCondition;
  model::AppSpec spec;
  REQUIRE(fault_of(R"("depends_on": ["db", "cache"])", &spec).empty());
  CHECK(spec.depends_on == std::map<std::string, Condition>{{"db", Condition::started},
                                                            {"cache", Condition::started}});
  REQUIRE(fault_of(R"("depends_on": {"db": "ready", "job": {"condition":
                   "service_completed_successfully"}, "x": {"condition": "service_healthy"}})",
                   &spec)
              .empty());
  CHECK(spec.depends_on == std::map<std::string, Condition>{{"db", Condition::ready},
                                                            {"job", Condition::completed},
                                                            {"x", Condition::ready}});
  CHECK(has(fault_of(R"("depends_on": {"db": "soon"})"), "'db' must be one of started, ready"));
}
