#include "core/model/launch.h"

#include <doctest/doctest.h>

using namespace roost::model;

TEST_CASE("launch: sources") {
  CHECK(parse_secret_source("file:/x")->kind == SecretKind::file);
  CHECK(parse_secret_source("cmd:pass show db")->what == "pass show db");
  CHECK(parse_secret_source("systemd-credential:db")->kind == SecretKind::credential);
  for (const char* wrong : {"", "x", "file:", "cmd:", "systemd-credential:", "vault:x",
                            "systemd-credential:../x", "systemd-credential:..", "File:/x"})
    CHECK_FALSE(parse_secret_source(wrong));
}

TEST_CASE("launch: without secrets an app is what it is") {
  CHECK(with_launcher({}, "/roost", "", {"/x", "y"}) == std::vector<std::string>{"/x", "y"});
}

TEST_CASE("launch: sources stand before the app's words") {
  AppSpec spec;
  spec.env_from = {{"A", "file:x"}};
  CHECK(with_launcher(spec, "/roost", "/c", {"/x"}) ==
        std::vector<std::string>{"/roost", "launch", "/c", "1", "A=file:x", "/x"});
}
