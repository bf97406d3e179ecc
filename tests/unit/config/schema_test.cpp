#include "config/schema.h"

#include <doctest/doctest.h>

#include "core/base/fs.h"
#include "core/base/json.h"

using namespace roost;

TEST_CASE(
    "schema: docs/roost.schema.json is what the table of fields says (else run roost_schema)") {
  const auto text = read_file(ROOST_SCHEMA_JSON, 1U << 20);
  REQUIRE(text);
  CHECK((*text == config::json_schema()));
}

TEST_CASE("schema: it is JSON, and knows types, aliases and camelCase") {
  const std::string schema = config::json_schema();
  REQUIRE(parse_json(schema, {}));
  CHECK(schema.find(R"("killTimeout": {"$ref":"#/definitions/app/properties/kill_timeout"})") !=
        std::string::npos);
  CHECK(schema.find(R"({"enum":["always","on-failure","never"]})") != std::string::npos);
  CHECK(schema.find(R"("error": {"$ref":)") != std::string::npos);
}
