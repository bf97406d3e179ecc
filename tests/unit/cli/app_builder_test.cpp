#include "cli/app_builder.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "cli/file_system.h"
#include "core/base/fs.h"
#include "tests/support/temp_dir.h"

namespace roost::cli {
namespace {

using model::ExecKind;

// A directory with a few scripts, and `start` called in it.
struct Shell {
  test::TempDir dir;
  StartOptions options;

  std::string file(const std::string& name, const std::string& text, mode_t mode = 0644) {
    const auto path = dir.path() + "/" + name;
    REQUIRE(make_dirs(path.substr(0, path.rfind('/')), 0755));
    REQUIRE(write_file_atomic(path, text, mode));
    return path;
  }

  Result<StartTarget> start(const std::string& word, Environment env = {}) {
    options.targets = {word};
    auto builder = AppBuilder::make(options, std::move(env), dir.path());
    if (!builder) return std::move(builder).error();
    return builder->resolve(word);
  }
};

}  // namespace

TEST_CASE("start: a script becomes a finished spec") {
  Shell shell;
  const auto path = shell.file("app.sh", "sleep 1\n");
  const auto target = shell.start("app.sh", {{"LANG", "C"}});
  REQUIRE(target);
  REQUIRE(target->app);
  CHECK(target->selector == "app.sh");
  CHECK(target->app->name == "app");
  CHECK(target->app->kind == ExecKind::interpreter);
  CHECK(target->app->script == path);
  CHECK(target->app->interpreter.starts_with('/'));
  CHECK(target->app->cwd == shell.dir.path());
  CHECK(target->app->env == Environment{{"LANG", "C"}});
  CHECK(model::validate(*target->app));
}

TEST_CASE("start: bytes that a request cannot carry are refused, not changed") {
  Shell shell;
  shell.file("app.sh", "#!/bin/sh\n", 0755);
  CHECK(shell.start("./app.sh", {{"A", "\xff"}}).error().message ==
        "the value of the variable 'A' is not UTF-8");
  CHECK(shell.start("./\xff\xfe").error().code == Errc::invalid);
  shell.options.args = {"fine: ü", "\xff\xfe"};
  const auto refused = shell.start("./app.sh");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::invalid);
  CHECK(refused.error().message.find("argument 2 ") == 0);
}

TEST_CASE("start: options end up in the spec") {
  Shell shell;
  shell.file("app.sh", "");
  shell.file("sub/x", "");
  shell.options.name = "web";
  shell.options.args = {"-p", "80"};
  shell.options.instances = "3";
  shell.options.cwd = "sub";
  shell.options.output = "o.log";
  shell.options.error = "NULL";
  shell.options.env = {"A=1=2", "LANG=x"};
  shell.options.no_autorestart = true;
  shell.options.kill_timeout = "3s";
  shell.options.restart_delay = "250";
  shell.options.max_restarts = "4";
  shell.options.interpreter_args = split_words("-e -u");
  const auto target = shell.start("./app.sh", {{"LANG", "C"}});
  REQUIRE(target);
  const auto& app = *target->app;
  CHECK(target->selector.empty());
  CHECK(app.name == "web");
  CHECK(app.args == std::vector<std::string>{"-p", "80"});
  CHECK(app.instances == 3);
  CHECK(app.cwd == shell.dir.path() + "/sub");
  CHECK(app.out_file == shell.dir.path() + "/sub/o.log");
  CHECK(app.error_file == "/dev/null");
  CHECK(app.env == Environment{{"A", "1=2"}, {"LANG", "x"}});
  CHECK(app.restart == model::RestartWhen::never);
  CHECK(app.kill_timeout == 3s);
  CHECK(app.restart_delay == 250ms);
  CHECK(app.max_restarts == 4U);
  CHECK(app.interpreter_args == std::vector<std::string>{"-e", "-u"});
}

TEST_CASE("start: a script is also looked for in --cwd") {
  Shell shell;
  const auto path = shell.file("sub/job.sh", "");
  shell.options.cwd = "sub";
  const auto target = shell.start("job.sh");
  REQUIRE(target);
  CHECK(target->app->script == path);
}

TEST_CASE("start: words with blanks are shell lines, unless such a file exists") {
  Shell shell;
  const auto line = shell.start("PORT=1 ./serve --x | cat");
  REQUIRE(line);
  CHECK(line->app->kind == ExecKind::shell);
  CHECK(line->app->script == "PORT=1 ./serve --x | cat");
  CHECK(line->app->name == "serve");
  const auto path = shell.file("my app.sh", "");
  const auto file = shell.start("my app.sh");
  REQUIRE(file);
  CHECK(file->app->script == path);
  CHECK(file->app->name == "my-app");
}

TEST_CASE("start: a bare word is a file, else a program of PATH, else an app") {
  Shell shell;
  const auto program = shell.start("sleep");
  REQUIRE(program);
  CHECK(program->selector == "sleep");
  CHECK(program->app->kind == ExecKind::direct);
  CHECK(program->app->script.ends_with("/sleep"));
  shell.file("sleep", "#!/bin/sh\n", 0755);
  CHECK(shell.start("sleep")->app->script == shell.dir.path() + "/sleep");
  for (const char* word : {"no-such-thing-here", "api#1", "3", "api-*", "all"}) {
    const auto app = shell.start(word);
    REQUIRE_MESSAGE(app, word);
    CHECK_FALSE(app->app);
    CHECK(app->selector == word);
  }
}

TEST_CASE("start: a path and a shell line are no selectors, whatever apps are called") {
  Shell shell;
  shell.file("api", "#!/bin/sh\n", 0755);
  CHECK(shell.start("api")->selector == "api");
  CHECK(shell.start("./api")->selector.empty());
  CHECK(shell.start("sleep 1")->selector.empty());
  shell.options.name = "api";
  CHECK(shell.start("sleep")->selector.empty());
}

TEST_CASE("start: a missing script names the one that was meant") {
  Shell shell;
  shell.file("server.js", "");
  const auto target = shell.start("./servr.js");
  REQUIRE(!target);
  CHECK(target.error().code == Errc::not_found);
  CHECK(target.error().message == "script '" + shell.dir.path() + "/servr.js' does not exist");
  CHECK(target.error().hint == "did you mean 'server.js'?");
}

TEST_CASE("start: a directory is no script") {
  Shell shell;
  shell.file("sub/x.sh", "");
  CHECK(shell.start("./sub").error().code == Errc::invalid);
  CHECK_FALSE(shell.start("sub")->app);  // may be an app's name
}

TEST_CASE("start: wrong values name their option") {
  const auto message = [](auto set) {
    Shell shell;
    shell.file("a.sh", "");
    set(shell.options);
    const auto target = shell.start("a.sh");
    REQUIRE(!target);
    return target.error().message;
  };
  CHECK(message([](auto& o) { o.kill_timeout = "soon"; }).starts_with("--kill-timeout: "));
  CHECK(message([](auto& o) { o.restart_delay = "-1"; }).starts_with("--restart-delay: "));
  CHECK(message([](auto& o) { o.max_restarts = "many"; }).starts_with("--max-restarts: "));
  CHECK(message([](auto& o) { o.instances = "two"; }).starts_with("--instances: "));
  CHECK(message([](auto& o) { o.env = {"production"}; }) == "--env 'production' is not NAME=VALUE");
  CHECK(message([](auto& o) { o.name = "a b"; }).starts_with("--name: "));
  CHECK(message([](auto& o) { o.cwd = "nowhere"; }).find("is not a directory") !=
        std::string::npos);
}

TEST_CASE("start: Python writes its output at once, unless the user says otherwise") {
  Shell shell;
  shell.file("python3", "#!/bin/sh\n", 0755);
  CHECK(shell.start("python3 -c 1")->app->env.at("PYTHONUNBUFFERED") == "1");
  CHECK(shell.start("python3 -c 1", {{"PYTHONUNBUFFERED", ""}})
            ->app->env.at("PYTHONUNBUFFERED")
            .empty());
  CHECK_FALSE(shell.start("sleep 1")->app->env.contains("PYTHONUNBUFFERED"));
}

TEST_CASE("start: arguments for the interpreter of a '#!' line make us carry it out") {
  Shell shell;
  shell.file("tool", "#!/bin/sh -e\n", 0755);
  CHECK(shell.start("tool")->app->kind == ExecKind::direct);
  shell.options.interpreter_args = split_words("-x");
  const auto target = shell.start("tool");
  REQUIRE(target);
  CHECK(target->app->interpreter == "/bin/sh");
  CHECK(target->app->interpreter_args == std::vector<std::string>{"-e", "-x"});
}

TEST_CASE("environment: what belongs to roost, Node or systemd stays behind") {
  const char* const variables[] = {
      "PATH=/bin",         "ROOST_HOME=/r", "ROOST_ID=1.2.3.4.5", "ROOST_DIE_AT=x",
      "NODE_CHANNEL_FD=3", "LISTEN_FDS=1",  "LISTEN_PORT=80",     "NOTIFY_SOCKET=@x",
      "_=/usr/bin/roost",  "EMPTY=",        "WITH=a=b",           "=odd",
      "no-equals",         nullptr};
  CHECK(inherited_environment(variables) == Environment{{"PATH", "/bin"},
                                                        {"ROOST_HOME", "/r"},
                                                        {"LISTEN_PORT", "80"},
                                                        {"EMPTY", ""},
                                                        {"WITH", "a=b"}});
}

TEST_CASE("paths: made absolute without looking at the disk") {
  CHECK(absolute_path("a/./b//c", "/x") == "/x/a/b/c");
  CHECK(absolute_path("../a", "/x/y") == "/x/a");
  CHECK(absolute_path("/../..", "/x") == "/");
  CHECK(absolute_path(".", "/x") == "/x");
  CHECK(absolute_path("/a/b", "/x") == "/a/b");
}

}  // namespace roost::cli
