#include "core/model/spec_diff.h"

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::model;

TEST_CASE("spec diff: nothing differs") {
  CHECK(diff(AppSpec{}, AppSpec{}).empty());
}

TEST_CASE("spec diff: of variables only the names are told") {
  AppSpec before;
  AppSpec after;
  before.env = {{"OLD", "1"}, {"PASSWORD", "old secret"}, {"SAME", "x"}};
  after.env = {{"LOG", "1"}, {"PASSWORD", "new secret"}, {"SAME", "x"}};
  CHECK(diff(before, after) == std::vector<FieldChange>{{"env", "", "+LOG ~PASSWORD -OLD"}});
  after.kill_timeout = 5s;
  CHECK(in_words(diff(before, after)) == "env +LOG ~PASSWORD -OLD, kill_timeout 10s→5s");
}

TEST_CASE("spec diff: what comes from another shell only is no difference") {
  AppSpec before;
  before.env = {{"TERM", "xterm"}, {"LC_TIME", "C"}, {"PATH", "/bin"}, {"A", "1"}};
  before.inherited = {"LANG", "LC_*", "LC_TIME", "PATH", "TERM"};
  AppSpec after = before;
  after.env = {{"LANG", "C"}, {"LC_ALL", "C"}, {"PATH", "/opt:/bin"}, {"A", "1"}};
  after.inherited = {"LANG", "LC_*", "LC_ALL", "PATH", "TERM"};
  CHECK(in_shell_of(before, after).env == before.env);
  CHECK(in_shell_of(in_shell_of(before, after), after) == in_shell_of(before, after));
  CHECK(diff(before, in_shell_of(before, after)).empty());
  after.env["A"] = "2";
  CHECK(in_words(diff(before, in_shell_of(before, after))) == "env ~A");
  after = before;
  after.env["TERM"] = "dumb";
  after.inherited = {"LANG", "LC_TIME", "PATH"};  // the file has it now
  CHECK(in_words(diff(before, in_shell_of(before, after))) == "env ~TERM");
  CHECK(in_words(diff(after, in_shell_of(after, before))) == "env ~TERM");
  after.env.erase("TERM");  // the file takes it out
  CHECK(in_words(diff(before, in_shell_of(before, after))) == "env -TERM");
  after = before;
  after.env.erase("LC_TIME");
  after.inherited = {"LANG", "LC_*", "PATH", "TERM"};  // the shell does not have it
  CHECK(diff(before, in_shell_of(before, after)).empty());
  after.inherited = {"LANG", "PATH", "TERM"};  // the file takes it out
  CHECK(in_words(diff(before, in_shell_of(before, after))) == "env -LC_TIME");
}

TEST_CASE("spec diff: what PATH finds is as in the shell of before, if it is the same program") {
  AppSpec before;
  before.interpreter = "/usr/bin/python3";
  before.script = "/a/x.py";
  before.inherited = {"PATH", "interpreter"};
  AppSpec after = before;
  after.interpreter = "/opt/bin/python3";
  CHECK(diff(before, in_shell_of(before, after)).empty());
  after.interpreter = "/opt/bin/node";
  CHECK_FALSE(diff(before, in_shell_of(before, after)).empty());
  after.interpreter = "/opt/bin/python3";
  after.inherited = {"PATH"};  // somebody says so
  CHECK_FALSE(diff(before, in_shell_of(before, after)).empty());
  after = before;
  after.script = "/b/x.py";
  CHECK_FALSE(diff(before, in_shell_of(before, after)).empty());
}

TEST_CASE("spec diff: values of every type in words") {
  AppSpec before;
  AppSpec after;
  after.restart = RestartWhen::on_failure;
  after.args = {"-p", "80"};
  after.max_restarts = 3;
  after.max_memory_restart = 512ULL << 20U;
  after.umask = 0022;
  after.wait_ready = true;
  after.stop_exit_codes = {0, 2};
  after.out_file = std::string(100, 'x');
  const auto changes = diff(before, after);
  const auto find = [&](std::string_view field) {
    for (const FieldChange& change : changes)
      if (change.field == field) return change.before + "→" + change.after;
    return std::string("-");
  };
  CHECK(find("restart") == "always→on-failure");
  CHECK(find("args") == "none→-p 80");
  CHECK(find("max_restarts") == "none→3");
  CHECK(find("max_memory_restart") == "none→512M");
  CHECK(find("umask") == "none→022");
  CHECK(find("wait_ready") == "false→true");
  CHECK(find("stop_exit_codes") == "none→0 2");
  CHECK(find("out_file") == "none→" + std::string(60, 'x') + "…");
}

TEST_CASE("spec diff: secrets of a command line stay secret") {
  AppSpec before;
  AppSpec after;
  before.script = "API_TOKEN=one ./run --password two";
  after.script = "API_TOKEN=three ./run --password=four  x";
  after.args = {"--secret-key", "five", "x"};
  CHECK(in_words(diff(before, after)) ==
        "script API_TOKEN=******** ./run --password ********→"
        "API_TOKEN=******** ./run --password=********  x, args none→--secret-key ******** x");
}

TEST_CASE("spec diff: a command line that can be typed again, without its secrets") {
  CHECK(command_without_secrets({"roost", "start", "sleep 5", "--name", "d"}) ==
        "roost start 'sleep 5' --name d");
  CHECK(
      command_without_secrets({"roost", "x", "--env", "DB_PASSWORD=a b", "--", "--token", "t;t"}) ==
      "roost x --env DB_PASSWORD=******** -- --token ********");
  CHECK(command_without_secrets({"roost", "it's", ""}) == "roost 'it'\\''s' ''");
  CHECK(command_without_secrets({"curl --token tk x"}) == "'curl --token ******** x'");
}

TEST_CASE("spec diff: where a secret comes from is told") {
  AppSpec spec;
  spec.env = {{"DB_PASSWORD", "pw"}};
  spec.env_from = {{"API_TOKEN", "file:/run/token"}};
  spec.memory_max = 64U << 20;
  std::map<std::string, std::string> values;
  for (const FieldValue& one : field_values(spec))
    values[one.field] = one.value;
  CHECK(values["env.DB_PASSWORD"] == kMask);
  CHECK(values["env_from.API_TOKEN"] == "file:/run/token");
  CHECK(values["memory_max"] == "64M");
  CHECK(values["stop_signal"] == "SIGTERM");
}

TEST_CASE("spec diff: fields have the names of configuration files") {
  AppSpec spec;
  spec.job = true;
  spec.job_timeout = 50s;
  spec.max_restarts = 5;
  spec.max_restarts_within = 40s;
  spec.watch = true;
  spec.watch_paths = {"/srv/src"};
  spec.health = HealthProbe{.kind = ProbeKind::tcp, .target = "x:1"};
  std::map<std::string, std::string> values;
  for (const FieldValue& one : field_values(spec))
    values[one.field] = one.value;
  CHECK(values["type"] == "job");
  CHECK(values["timeout"] == "50s");
  CHECK(values["max_restarts"] == "5/40s");
  CHECK(values["watch"] == "/srv/src");
  CHECK(values["health.tcp"] == "x:1");
  for (const char* name : {"job", "job_timeout", "exec_kind", "watch_paths", "health.kind"})
    CHECK_FALSE(values.contains(name));
}

TEST_CASE("spec diff: a record by its fields") {
  AppSpec before;
  AppSpec after;
  after.health = HealthProbe{.kind = ProbeKind::tcp, .target = "x:1"};
  CHECK(in_words(diff(before, after)) == "health none→set");
  before.health = HealthProbe{.kind = ProbeKind::tcp, .target = "x:1", .interval = 5s};
  CHECK(in_words(diff(before, after)) == "health.interval 5s→10s");
}

TEST_CASE("spec diff: passwords in URLs") {
  CHECK(without_url_passwords("postgres://app:p4ss@db:5432/x?y=1") ==
        "postgres://app:********@db:5432/x?y=1");
  CHECK(without_url_passwords("a://u:p@q@h, b://:p@h c://h:1 d://u@h e") ==
        "a://u:********@h, b://:********@h c://h:1 d://u@h e");
  CHECK(without_url_passwords("://") == "://");
  CHECK(without_url_passwords("a://u:p/a?s@h/x b://h:80/x@y c://h:x/y") ==
        "a://u:********@h/x b://h:80/x@y c://h:x/y");
  CHECK(without_secrets("fetch https://u:p@h/ --x") == "fetch https://u:********@h/ --x");
  CHECK(without_secrets("http://u:p@h/?token=t") == "http://u:********@h/?token=********");
  CHECK(without_secrets("curl -H 'X-Token: t' -H 'Authorization: Bearer b' x") ==
        "curl -H 'X-Token: ******** -H 'Authorization: Bearer ******** x");
  CHECK(shown_value("REDIS_URL", "redis://:p@h") == "redis://:********@h");
  CHECK(shown_value("MYSQL_PWD", "p") == kMask);
}

TEST_CASE("spec diff: secret-looking names") {
  for (const char* name : {"API_TOKEN", "password", "AWS_SECRET_ACCESS_KEY", "SENTRY_DSN",
                           "MYSQL_PWD", "GITHUB_PAT", "pat", "JWT", "SLACK_WEBHOOK"})
    CHECK(is_secret_name(name));
  for (const char* name : {"PORT", "PWD", "HOME", "OLDPWD", "PATH", "COMPAT", "", "PA"})
    CHECK_FALSE(is_secret_name(name));
  AppSpec spec;
  spec.env = {{"TOKEN", "t"}, {"PORT", "1"}};
  CHECK(masked(spec).env ==
        std::map<std::string, std::string>{{"TOKEN", std::string(kMask)}, {"PORT", "1"}});
  spec.labels = {{"db", "http://u:p@h"}};
  spec.stop_command = "curl --token t http://u:p@h";
  spec.health = HealthProbe{.kind = ProbeKind::http, .target = "http://u:p@h/x"};
  CHECK(masked(spec).labels.at("db") == "http://u:********@h");
  CHECK(masked(spec).stop_command == "curl --token ******** http://u:********@h");
  CHECK(masked(spec).health->target == "http://u:********@h/x");
}
