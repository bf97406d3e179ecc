#include "core/model/app_spec.h"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "core/model/limits.h"

using namespace roost;
using namespace roost::model;

namespace {

AppSpec good() {
  AppSpec spec;
  spec.name = "api";
  spec.script = "/srv/api/server";
  spec.cwd = "/srv/api";
  return spec;
}

std::string problems(const AppSpec& spec) {
  const Status status = validate(spec);
  if (status) return {};
  CHECK(status.error().code == Errc::invalid);
  return status.error().message;
}

template <class Change>
std::string problems_after(Change change) {
  AppSpec spec = good();
  change(spec);
  return problems(spec);
}

}  // namespace

TEST_CASE("app name: what is allowed") {
  for (const char* name :
       {"a", "api", "api-2", "my_app.v1", "web@host:80", "c++", "0x", ".hidden"}) {
    CAPTURE(name);
    CHECK(validate_name(name).has_value());
  }
  CHECK(validate_name(std::string(limits::kMaxNameBytes, 'x')).has_value());
}

TEST_CASE("app name: what is refused, with the reason") {
  const std::pair<std::string, const char*> cases[] = {
      {"", "must not be empty"},
      {"12", "taken for an id"},
      {"all", "every app"},
      {"-x", "begin with '-'"},
      {"a b", "letters, digits"},
      {"a/b", "letters, digits"},
      {"a#1", "letters, digits"},
      {"a*", "letters, digits"},
      {"caf\xc3\xa9", "letters, digits"},
      {std::string("a\0b", 3), "letters, digits"},
      {std::string(limits::kMaxNameBytes + 1, 'x'), "longer than 128 bytes"}};
  for (const auto& [name, why] : cases) {
    CAPTURE(name);
    const Status status = validate_name(name);
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().code == Errc::invalid);
    CHECK(status.error().message.find(why) != std::string::npos);
  }
}

TEST_CASE("app name: a message never repeats control characters") {
  const Status status = validate_name("\x1b[31mred\n");
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().message.find('\x1b') == std::string::npos);
  CHECK(status.error().message.find('\n') == std::string::npos);
}

TEST_CASE("app spec: complete ones of each kind are valid") {
  CHECK(problems(good()) == "");
  CHECK(problems_after([](AppSpec& s) {
          s.kind = ExecKind::interpreter;
          s.interpreter = "/usr/bin/node";
          s.interpreter_args = {"--inspect"};
        }) == "");
  CHECK(problems_after([](AppSpec& s) {
          s.kind = ExecKind::shell;
          s.script = "echo hello && sleep 1";
        }) == "");
}

TEST_CASE("app spec: each field is checked and named") {
  struct Case {
    const char* expected;
    void (*change)(AppSpec&);
  };

  const Case cases[] = {
      {"name: ", [](AppSpec& s) { s.name = "7"; }},
      {"namespace: ", [](AppSpec& s) { s.ns = ""; }},
      {"script: must not be empty", [](AppSpec& s) { s.script = ""; }},
      {"script: must be an absolute path", [](AppSpec& s) { s.script = "server"; }},
      {"script: must not hold a NUL", [](AppSpec& s) { s.script.push_back('\0'); }},
      {"interpreter: must be an absolute", [](AppSpec& s) { s.kind = ExecKind::interpreter; }},
      {"interpreter: is used with", [](AppSpec& s) { s.interpreter = "/bin/sh"; }},
      {"interpreter_args: is used with", [](AppSpec& s) { s.interpreter_args = {"x"}; }},
      {"args: more than 1024", [](AppSpec& s) { s.args.resize(1025); }},
      {"args: must not hold a NUL", [](AppSpec& s) { s.args = {std::string(1, '\0')}; }},
      {"cwd: must be an absolute", [](AppSpec& s) { s.cwd = "."; }},
      {"env: bad variable name 'A=B'", [](AppSpec& s) { s.env["A=B"] = "x"; }},
      {"env: bad variable name ''", [](AppSpec& s) { s.env[""] = "x"; }},
      {"env: value of 'A' holds a NUL", [](AppSpec& s) { s.env["A"] = std::string(1, '\0'); }},
      {"env: arguments and environment", [](AppSpec& s) { s.env["A"].assign(600 << 10, 'x'); }},
      {"out_file: must be", [](AppSpec& s) { s.out_file = "out.log"; }},
      {"error_file: has no use with tty",
       [](AppSpec& s) {
         s.tty = true;
         s.error_file = "/dev/null";
       }},
      {"error_file: must be", [](AppSpec& s) { s.error_file = "/var/log/"; }},
      {"instances: must be 1 to", [](AppSpec& s) { s.instances = 0; }},
      {"instances: must be 1 to", [](AppSpec& s) { s.instances = 10'001; }},
      {"kill_timeout: must be 0 to", [](AppSpec& s) { s.kill_timeout = -1ms; }},
      {"restart_delay: must be 0 to", [](AppSpec& s) { s.restart_delay = 24h * 8; }},
      {"min_uptime: must be 0 to", [](AppSpec& s) { s.min_uptime = -1s; }},
      {"min_ready: must be 0 to", [](AppSpec& s) { s.min_ready = -1s; }},
      {"user: must not hold", [](AppSpec& s) { s.user.push_back('\0'); }},
  };
  for (const Case& c : cases) {
    CAPTURE(c.expected);
    const std::string text = problems_after(c.change);
    CHECK(text.rfind(c.expected, 0) == 0);
    CHECK(std::count(text.begin(), text.end(), '\n') == 0);
  }
}

TEST_CASE("app spec: all problems come at once, one line each") {
  const std::string text = problems_after([](AppSpec& s) {
    s.name = "";
    s.cwd = "";
    s.instances = 0;
  });
  CHECK(text ==
        "name: '' must not be empty\ncwd: must be an absolute path\ninstances: must be 1 to 10000");
}

TEST_CASE("app spec: a variable's value is never in the message") {
  const std::string text =
      problems_after([](AppSpec& s) { s.env["TOKEN"] = std::string("secret\0", 7); });
  CHECK(text.find("secret") == std::string::npos);
}

TEST_CASE("app spec: policies and attributes are looked at, each with its field's name") {
  const auto told = [](auto change, const char* words) {
    const std::string problem = problems_after(change);
    CHECK_MESSAGE(problem.find(words) != std::string::npos, problem);
  };
  told([](AppSpec& s) { s.stop_exit_codes = {256}; }, "stop_exit_codes: must be");
  told([](AppSpec& s) { s.stop_signal = 65; }, "stop_signal: must be");
  told([](AppSpec& s) { s.max_memory_restart = 0; }, "max_memory_restart: must be");
  told([](AppSpec& s) { s.cron_restart = "x"; }, "cron_restart: 'x' has 1 fields");
  told([](AppSpec& s) { s.timezone = std::string(65, 'x'); }, "timezone: must be");
  told([](AppSpec& s) { s.watch_paths = {"src"}; }, "watch_paths: must be");
  told([](AppSpec& s) { s.umask = 01000; }, "umask: must be");
  told([](AppSpec& s) { s.nice = 20; }, "nice: must be");
  told([](AppSpec& s) { s.rlimits = {{"nofile", "2:1"}}; }, "rlimits: limit nofile");
  told([](AppSpec& s) { s.instance_var = ""; }, "instance_var: cannot");
  told(
      [](AppSpec& s) {
        s.increment_var = "PORT";
        s.env["PORT"] = "x";
      },
      "increment_var: the value");
  CHECK(problems_after([](AppSpec& s) {
          s.cron_restart = "@daily";
          s.umask = 0777;
          s.nice = -20;
          s.rlimits = {{"core", "unlimited"}};
          s.increment_var = "PORT";
          s.watch_paths = {"/srv"};
        }) == "");
}

TEST_CASE("app spec: health, readiness and dependencies are looked at") {
  const auto probe = [](ProbeKind kind, const char* target) {
    return problems_after(
        [&](AppSpec& s) { s.health = HealthProbe{.kind = kind, .target = target}; });
  };
  CHECK(probe(ProbeKind::http, "http://127.0.0.1:80/health").empty());
  CHECK(probe(ProbeKind::tcp, "[::1]:5432").empty());
  CHECK(probe(ProbeKind::exec, "test -e /x && true").empty());
  CHECK(probe(ProbeKind::http, "https://x").find("exec with curl") != std::string::npos);
  CHECK(probe(ProbeKind::http, "x:80").find("http://host") != std::string::npos);
  CHECK(probe(ProbeKind::tcp, "nowhere").find("host:port") != std::string::npos);
  CHECK(probe(ProbeKind::exec, "").find("needs a target") != std::string::npos);
  CHECK_FALSE(problems_after([](AppSpec& s) {
                s.health = HealthProbe{.target = "http://x", .timeout = 0s};
              }).empty());
  CHECK_FALSE(problems_after([](AppSpec& s) {
                s.wait_ready = true;
                s.listen_timeout = 0s;
              }).empty());
  CHECK(problems_after([](AppSpec& s) {
          s.wait_for = {"tcp:db:5432", "http://x/", "file:/run/x"};
          s.depends_on = {{"db", DependencyCondition::ready}};
        }).empty());
  for (const char* target : {"udp:x:1", "file:x", "tcp:x", "db:5432"})
    CHECK_FALSE(problems_after([&](AppSpec& s) { s.wait_for = {target}; }).empty());
  CHECK_FALSE(problems_after([](AppSpec& s) {
                s.depends_on = {{"no name", DependencyCondition::ready}};
              }).empty());
}
