#include "config/ecosystem.h"

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::config;

namespace {

Result<Ecosystem> read(std::string text, const EcosystemOptions& options = {},
                       Format format = Format::json) {
  auto document = parse_document("apps", std::move(text), format);
  REQUIRE(document);
  auto result = read_ecosystem(*document, options);
  if (result && !result->problems.empty()) return to_error(*document, result->problems);
  return result;
}

std::string fault(std::string text) {
  const auto result = read(std::move(text));
  REQUIRE_FALSE(result);
  return result.error().message;
}

}  // namespace

TEST_CASE("ecosystem: every shape of a file that PM2 takes") {
  for (const char* text : {R"({"apps": [{"script": "a.js"}]})", R"({"apps": {"script": "a.js"}})",
                           R"([{"script": "a.js"}])", R"({"script": "a.js"})",
                           R"({"name": "x", "dependencies": {}, "pm2": [{"script": "a.js"}]})",
                           R"({"pm2": {"apps": [{"script": "a.js"}]}})",
                           R"({"apps": [{"exec": "a.js"}], "deploy": {}})"}) {
    CAPTURE(text);
    const auto result = read(text);
    REQUIRE_MESSAGE(result, (result ? "" : result.error().message));
    REQUIRE(result->apps.size() == 1);
    CHECK(result->apps[0].script == "a.js");
  }
}

TEST_CASE("ecosystem: fields for logs") {
  const auto result = read(R"({"apps": [
    {"cmd": "a.js", "time": true, "combine_logs": true, "log": true, "log_type": "json"},
    {"cmd": "b.js", "time": true, "log_date_format": "HH", "log_file": "all.log", "disableLogs": true},
    {"cmd": "c.js", "log_date_format": "HH", "time": true},
    {"cmd": "d.js", "time": false, "log": false}]})");
  REQUIRE_MESSAGE(result, (result ? "" : result.error().message));
  CHECK(result->remarks.empty());
  const AppConfig& a = result->apps[0];
  CHECK(a.settings.log_date_format == "YYYY-MM-DDTHH:mm:ss");
  CHECK(a.settings.merge_logs);
  CHECK(a.settings.log_type == model::LogType::json);
  CHECK(a.log_file == "true");
  CHECK(result->apps[1].settings.log_date_format == "HH");
  CHECK(result->apps[1].settings.disable_logs);
  CHECK(result->apps[1].log_file == "all.log");
  CHECK(result->apps[2].settings.log_date_format == "HH");
  CHECK(result->apps[3].settings.log_date_format.empty());
  CHECK_FALSE(result->apps[3].log_file);
}

TEST_CASE("ecosystem: fields, their aliases, and values as PM2 takes them") {
  const auto result = read(R"({"apps": [{
    "cmd": "a.js", "name": "api", "args": "-p 80 'two words'", "nodeArgs": ["--inspect"], "instances": "max",
    "maxRestarts": "5", "min_uptime": "10s", "restart_delay": 250, "kill_timeout": "3000", "autorestart": "false",
    "out": "o.log", "err_log": "NULL", "uid": 1000, "namespace": "shop", "port": 80, "cwd": "sub",
    "env": {"A": 1, "B": true, "C": {"d": [1]}, "D": null}}]})");
  REQUIRE_MESSAGE(result, (result ? "" : result.error().message));
  const AppConfig& app = result->apps[0];
  CHECK(app.args == std::vector<std::string>{"-p", "80", "two words"});
  CHECK(app.interpreter_args == std::vector<std::string>{"--inspect"});
  CHECK(app.instances == "max");
  CHECK(app.settings.max_restarts == 5);
  CHECK(app.settings.min_uptime == 10s);
  CHECK(app.settings.restart_delay == 250ms);
  CHECK(app.settings.restart == model::RestartWhen::never);
  CHECK(app.out_file == "o.log");
  CHECK(app.error_file == "NULL");
  CHECK(app.settings.user == "1000");
  CHECK(app.settings.ns == "shop");
  CHECK(app.env.at("PORT") == "80");
  CHECK(app.env.at("A") == "1");
  CHECK(app.env.at("B") == "true");
  CHECK(app.env.at("C") == R"({"d":[1]})");
  CHECK(app.env.at("D") == std::nullopt);
}

TEST_CASE("ecosystem: env_NAME goes over env") {
  constexpr auto kText =
      R"([{"script": "a", "env_production": {"A": "2"}, "env": {"A": "1", "B": "1"}}])";
  CHECK(read(kText)->apps[0].env.at("A") == "1");
  const auto production = read(kText, {.env_name = "production", .only = {}});
  CHECK(production->apps[0].env.at("A") == "2");
  CHECK(production->apps[0].env.at("B") == "1");
  const auto other = read(kText, {.env_name = "staging", .only = {}});
  REQUIRE_FALSE(other);
  CHECK(other.error().message.find("env_staging") != std::string::npos);
  CHECK(other.error().hint == "there is: production");
}

TEST_CASE("ecosystem: only") {
  constexpr auto kText = R"([{"script": "a", "name": "a"}, {"script": "b", "name": "b"}])";
  CHECK(read(kText, {.env_name = {}, .only = {"b"}})->apps.size() == 1);
  CHECK(read(kText, {.env_name = {}, .only = {"c"}}).error().code == Errc::not_found);
}

TEST_CASE("ecosystem: all faults at once, with places and the nearest name") {
  const std::string text = fault(R"([
  {"script": "a.js", "instanses": 2},
  {"name": "two words", "script": 7, "max_memory_restart": 1},
  {"script": "b.js", "args": {"a": 1}, "env": 3, "kill_timeout": "soon", "exec": "c.js"}
])");
  CHECK(text.find("apps:2:") == 0);
  CHECK(text.find("unknown field 'instanses' (did you mean 'instances'?)") != std::string::npos);
  CHECK(text.find("apps:3:") != std::string::npos);
  for (const char* part :
       {"'args' must be a list or a text, not a table", "'env' must be a table, not a number",
        "'kill_timeout'", "'exec' says again what 'script' said"})
    CHECK_MESSAGE(text.find(part) != std::string::npos, part);
}

TEST_CASE("ecosystem: what has no effect may be said in several words") {
  const auto some = read(R"([{"script": "a", "pmx": false, "automation": false, "trace": true}])");
  REQUIRE(some);
  CHECK(some->remarks.at(0).find("automation, pmx, trace") != std::string::npos);
  CHECK(fault(R"([{"script": "a", "merge_logs": true, "combine_logs": true}])")
            .find("'combine_logs' says again what 'merge_logs' said") != std::string::npos);
}

TEST_CASE("ecosystem: values out of their range") {
  CHECK(fault(R"([{"script": "a", "port": 99999}])").find("0 to 65535") != std::string::npos);
  CHECK(fault(R"([{"script": "a", "watch": 3}])").find("'watch'") != std::string::npos);
  CHECK(read(R"([{"script": "a", "min_ready": "2s"}])")->apps.at(0).settings.min_ready == 2s);
}

TEST_CASE("ecosystem: what describes no app is refused") {
  for (const char* text :
       {"{}", "[]", "7", "[7]", R"({"apps": []})", R"({"apps": 3})", R"([{"name": "x"}])",
        R"([{"script": "a", "name": "x"}, {"script": "b", "name": "x"}])",
        R"({"apps": [{"script": "a"}], "instances": 2})", R"([{"script": ""}])",
        R"([{"script": "a", "instances": 1.5}])", R"([{"script": "a", "autorestart": "perhaps"}])",
        R"([{"script": "a", "env": {"": "x"}}])", R"([{"script": "a", "env_x": []}])"}) {
    CAPTURE(text);
    CHECK_FALSE(fault(text).empty());
  }
}

TEST_CASE("ecosystem: PM2's fields without effect are named, not refused") {
  const auto result = read(R"([{"script": "a", "vizion": true, "killRetryTime": 100}])");
  REQUIRE(result);
  REQUIRE(result->remarks.size() == 1);
  CHECK(result->remarks[0].find("killRetryTime, vizion") != std::string::npos);
}

TEST_CASE("ecosystem: when an app is restarted, stopped and watched, and as what it runs") {
  const auto result = read(R"([{"script": "a", "restart": "on-failure", "stop_exit_codes": [0, "3"],
    "max_restarts": "5/10m", "exp_backoff_restart_delay": 100, "stop_signal": "sigint", "treekill": false,
    "watch": ["src", "lib"], "ignore_watch": "*.tmp data", "watch_delay": "1s", "watch_options": {"x": 1},
    "cron": "0 3 * * mon-fri", "timezone": "UTC", "max_memory_restart": "300M", "gid": 7, "umask": "027", "nice": "-5",
    "rlimits": {"nofile": 1024, "core": "0:1G"}, "no_new_privs": true, "tty": true, "instance_var": "N", "increment_var": "PORT",
    "filter_env": ["AWS_"], "name_prefix": "shop", "append_env_to_name": true}])");
  REQUIRE_MESSAGE(result, (result ? "" : result.error().message));
  const AppConfig& app = result->apps[0];
  const model::AppSpec& spec = app.settings;
  CHECK(spec.restart == model::RestartWhen::on_failure);
  CHECK(spec.stop_exit_codes == std::vector<std::int32_t>{0, 3});
  CHECK(spec.max_restarts == 5);
  CHECK(spec.max_restarts_within == 600s);
  CHECK(spec.stop_signal == 2);
  CHECK(spec.kill_mode == model::KillMode::process);
  CHECK(spec.watch);
  CHECK(spec.watch_paths == std::vector<std::string>{"src", "lib"});
  CHECK(spec.ignore_watch == std::vector<std::string>{"*.tmp", "data"});
  CHECK(spec.watch_delay == 1s);
  CHECK(spec.cron_restart == "0 3 * * mon-fri");
  CHECK(spec.max_memory_restart == 300ULL << 20U);
  CHECK(spec.group == "7");
  CHECK(spec.umask == 027);
  CHECK(spec.nice == -5);
  CHECK(spec.rlimits == std::map<std::string, std::string>{{"nofile", "1024"}, {"core", "0:1G"}});
  CHECK(spec.no_new_privs);
  CHECK(spec.tty);
  CHECK(spec.instance_var == "N");
  CHECK(spec.increment_var == "PORT");
  CHECK(app.filter_env.parts == std::vector<std::string>{"AWS_"});
  CHECK(app.name_prefix == "shop");
  CHECK(app.append_env_to_name);
}

TEST_CASE("ecosystem: policies that make no sense are refused, each in its words") {
  for (const auto& [text, words] :
       {std::pair{R"("max_restarts": "x/1m")", "is no number of restarts"},
        {R"("max_restarts": "5/0s")", "counts nothing"},
        {R"("stop_exit_codes": [256])", "from 0 to 255"},
        {R"("stop_signal": "SIGFOO")", "must be a signal"},
        {R"("cron_restart": "0 24 * * *")", "'24' is no hour"},
        {R"("cron_restart": 7)", "five or six fields"},
        {R"("timezone": "../etc/passwd")", "there is no time zone"},
        {R"("max_memory_restart": 0)", "must be above 0"},
        {R"("max_memory_restart": "1Q")", "is not a size"},
        {R"("umask": "888")", "octal digits"},
        {R"("umask": 512)", "octal digits"},
        {R"("rlimits": {"nofiles": 1})", "did you mean 'nofile'?"},
        {R"("rlimits": {"nofile": true})", "nofile"},
        {R"("watch": {"a": 1})", "'watch' must be a list"},
        {R"("watch_options": 7)", "must be a table"},
        {R"("name_prefix": "a b")", "letters, digits"}}) {
    CAPTURE(text);
    const std::string told = fault(R"([{"script": "a", )" + std::string(text) + "}]");
    CHECK_MESSAGE(told.find(words) != std::string::npos, told);
  }
  CHECK(read(R"([{"script": "a", "cron_restart": false, "watch": false}])")
            ->apps[0]
            .settings.cron_restart.empty());
}

TEST_CASE("ecosystem: no name or alias stands for two fields") {
  for (const config::Field& field : all_fields())
    CHECK(find_field(field.name) == &field);
}
