#include "core/model/instance_text.h"

#include <doctest/doctest.h>

using namespace roost::model;

namespace {
AppSpec with_port(const std::string& port) {
  AppSpec spec;
  spec.name = "x";
  spec.script = "/x";
  spec.increment_var = "PORT";
  if (!port.empty()) spec.env = {{"PORT", port}};
  return spec;
}
}  // namespace

TEST_CASE("instance text: number and port of the instance") {
  const InstanceText text(with_port("3000"), 2);
  CHECK(text("http://x:{port+i}/{i}") == "http://x:3002/2");
  CHECK(text("{i}{i}{port+i}") == "223002");
  CHECK(text("").empty());
}

TEST_CASE("instance text: what is in two braces is the text itself") {
  const InstanceText text(with_port("3000"), 2);
  CHECK(text("{{i}} {{port+i}} {{i} {i}}") == "{i} {port+i} {2 2}");
}

TEST_CASE("instance text: other braces are left alone") {
  const InstanceText text(with_port("3000"), 2);
  for (const char* same : {"{", "}", "{}", "{j}", "{ i }", "{port}", "{port+1}", "x{2,3}", "{i"})
    CHECK(text(same) == same);
}

TEST_CASE("instance text: without a port") {
  CHECK(InstanceText(with_port(""), 2)("{port+i} {i}") == "{port+i} 2");
  CHECK(InstanceText(with_port("http"), 2)("{port+i}") == "{port+i}");
  AppSpec plain = with_port("3000");
  plain.increment_var.clear();
  CHECK(InstanceText(plain, 2)("{i} {{i}} {port+i}") == "{i} {{i}} {port+i}");
}

TEST_CASE("instance text: environment and words") {
  AppSpec spec = with_port("3000");
  spec.env["URL"] = ":{port+i}";
  spec.args = {"-n{i}"};
  const auto env = instance_environment(spec, 1);
  CHECK(env.at("PORT") == "3001");
  CHECK(env.at("URL") == ":3001");
  CHECK(instance_words(spec, 1) == std::vector<std::string>{"/x", "-n1"});
  spec.kind = ExecKind::shell;
  CHECK(instance_words(spec, 1) == std::vector<std::string>{"/bin/sh", "-c", "/x", "x", "-n1"});
}
