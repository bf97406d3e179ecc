#include "config/js_loader.h"

#include <cstdlib>
#include <fstream>

#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"

using namespace roost;
using namespace roost::config;

namespace {

// Of PATH; empty where there is none.
std::string node() {
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const auto size = std::min(rest.find(':'), rest.size());
    const std::string program = std::string(rest.substr(0, size)) + "/node";
    if (::access(program.c_str(), X_OK) == 0) return program;
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
  return {};
}

Result<JsResult> load(const std::string& name, const std::string& text) {
  static test::TempDir dir;
  const std::string path = dir.path() + "/" + name;
  std::ofstream(path) << text;
  return load_js(node(), path);
}

}  // namespace

TEST_CASE("js: CommonJS, ES modules under either name, functions and promises") {
  REQUIRE_FALSE(node().empty());
  const std::pair<const char*, const char*> cases[] = {
      {"a.config.js",
       "const n = require('path').basename(__filename); module.exports = {apps: [{script: n}]}"},
      {"b.config.cjs", "module.exports = {apps: [{script: 'b.config.cjs'}]}"},
      {"c.config.mjs",
       "import path from 'path'; export default {apps: [{script: "
       "`${path.basename('/x/c.config.mjs')}`}]}"},
      {"d.config.mjs", "export const apps = [{script: 'd.config.mjs'}]"},
      {"e.config.js", "import 'path'; export default {apps: [{script: 'e.config.js'}]}"},
      {"f.config.js", "module.exports = async () => ({apps: [{script: 'f.config.js'}]})"}};
  for (const auto& [name, text] : cases) {
    CAPTURE(name);
    const auto loaded = load(name, text);
    REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().message));
    CHECK(loaded->document.root.find("apps")->items[0].find("script")->string == name);
  }
}

TEST_CASE("js: functions are left out and named; what it prints disturbs nobody") {
  const auto loaded =
      load("g.config.js", "console.log('hello'); module.exports = {a: () => 1, b: /x+/, c: 'ü'}");
  REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().message));
  CHECK(loaded->dropped == std::vector<std::string>{"a"});
  CHECK(loaded->document.root.find("b")->string == "x+");
  CHECK(loaded->document.root.find("c")->string == "ü");
  CHECK(loaded->document.root.members[0].at.line == 0);
}

TEST_CASE("js: what goes wrong is told in its own words") {
  const auto broken = load("h.config.js", "module.exports = {\n  apps: [\n");
  REQUIRE_FALSE(broken);
  CHECK(broken.error().message.find("SyntaxError") != std::string::npos);
  const auto thrown = load("i.config.js", "throw new Error('no database')");
  REQUIRE_FALSE(thrown);
  CHECK(thrown.error().message.find("no database") != std::string::npos);
  const auto circular = load("j.config.js", "const a = {}; a.a = a; module.exports = a");
  REQUIRE_FALSE(circular);
  CHECK(circular.error().message.find("circular") != std::string::npos);
  CHECK_FALSE(load_js("/nonexistent/node", "/x"));
}

TEST_CASE("js: an expression, as PM2 reads JSON") {
  const auto loaded =
      evaluate_js(node(), "/tmp/x.json", "{ apps: [ // one\n { script: 'a' + '.js' } ] }");
  REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().message));
  CHECK(loaded->document.root.find("apps")->items[0].find("script")->string == "a.js");
}
