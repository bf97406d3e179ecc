// The real `roost` against a daemon played from a script.
#include <csignal>

#include <doctest/doctest.h>

#include "core/base/record_codec.h"
#include "ipc/methods.h"
#include "tests/support/scripted_server.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/cli/roost_program.h"

namespace roost::cli {
namespace {

struct Daemon {
  test::TempDir dir;
  ipc::Paths paths = *ipc::paths_for_home(dir.path() + "/home");

  Daemon() { REQUIRE(ipc::ensure_home(paths)); }

  test::ProgramResult run(std::vector<std::string> args) const {
    return test::run_roost(paths.home, std::move(args));
  }

  // Runs `args` against a daemon that answers one request with `reply`; the request's payload goes
  // to `asked`.
  test::ProgramResult run_with(std::vector<std::string> args, std::string reply,
                               std::string* asked = nullptr) const {
    const test::ScriptedServer server(paths, {[&](test::Peer& peer) {
                                        if (!peer.hello()) return;
                                        const auto request = peer.request();
                                        if (!request) return;
                                        if (asked != nullptr) *asked = request->payload;
                                        peer.result(request->id, reply);
                                        peer.idle(5000);
                                      }});
    return run(std::move(args));
  }

  test::ProgramResult run_failing(std::vector<std::string> args, const Error& error) const {
    const test::ScriptedServer server(paths, {[&](test::Peer& peer) {
                                        if (!peer.hello()) return;
                                        const auto request = peer.request();
                                        if (request) peer.error(request->id, error);
                                        peer.idle(5000);
                                      }});
    return run(std::move(args));
  }
};

ipc::InstanceInfo api() {
  ipc::InstanceInfo info;
  info.name = "api";
  info.state = model::State::online;
  info.pid = 123;
  info.uptime_ms = 61'000;
  return info;
}

}  // namespace

TEST_CASE("roost: the version is printed by option and by command") {
  const Daemon daemon;
  for (const char* word : {"--version", "-v", "-V", "version"}) {
    const auto result = daemon.run({word});
    CHECK(result.status == 0);
    CHECK(result.out == "roost " ROOST_VERSION "\n");
  }
  CHECK(daemon.run({"version", "--json"}).out == "{\"version\":\"" ROOST_VERSION "\"}\n");
  CHECK(daemon.run({"start", "x", "--version"}).out == "roost " ROOST_VERSION "\n");
}

TEST_CASE("roost: help is help, nothing is a usage error") {
  const Daemon daemon;
  CHECK(daemon.run({"--help"}).status == 0);
  CHECK(daemon.run({"help"}).out == daemon.run({"--help"}).out);
  CHECK(daemon.run({}).status == 2);
  CHECK(daemon.run({"help", "start"}).out == daemon.run({"start", "--help"}).out);
  CHECK(daemon.run({"help", "strat"}).status == 2);
}

TEST_CASE("roost: what is not known is a usage error with a suggestion") {
  const Daemon daemon;
  const auto command = daemon.run({"lst"});
  CHECK(command.status == 2);
  CHECK(command.err == "roost: unknown command 'lst'\n  did you mean 'list'?\n");
  const auto option = daemon.run({"list", "--jsn"});
  CHECK(option.status == 2);
  CHECK(option.err ==
        "roost: unknown option '--jsn'\n  did you mean '--json'?\n  usage: roost list "
        "[target]...\n");
  CHECK(daemon.run({"stop"}).status == 2);
  CHECK(daemon.run({"ping", "x"}).status == 2);
}

TEST_CASE("roost: ping says who answers") {
  const Daemon daemon;
  const auto reply = to_json(ipc::PingReply{"0.9", 12, 11, 5});
  CHECK(daemon.run_with({"ping"}, reply).out == "pong (roostd 0.9, pid 12)\n");
  CHECK(daemon.run_with({"ping", "--json"}, reply).out == reply + "\n");
}

TEST_CASE("roost: an error of the daemon decides the exit code, with --json it is JSON") {
  const Daemon daemon;
  const Error error{Errc::not_found, "no app 'apo'", "did you mean 'api'?"};
  const auto text = daemon.run_failing({"stop", "apo"}, error);
  CHECK(text.status == 3);
  CHECK(text.out.empty());
  CHECK(text.err == "roost: no app 'apo'\n  did you mean 'api'?\n");
  const auto json = daemon.run_failing({"--json", "stop", "apo"}, error);
  CHECK(json.status == 3);
  CHECK(json.err.empty());
  CHECK(json.out ==
        "{\"error\":{\"code\":\"not_found\",\"message\":\"no app 'apo'\",\"hint\":\"did you mean "
        "'api'?\"}}\n");
}

TEST_CASE("roost: list in a pipe is plain; remarks do not mix with it") {
  const Daemon daemon;
  const auto list = daemon.run_with({"ls"}, to_json(ipc::ListReply{{api()}, true, {}}));
  CHECK(list.status == 0);
  CHECK(list.out.find('\x1b') == std::string::npos);
  CHECK(list.out.find("api") != std::string::npos);
  CHECK(list.err.find("suspended") != std::string::npos);
  const auto empty = daemon.run_with({"list"}, to_json(ipc::ListReply{}));
  CHECK(empty.out.empty());
  CHECK(empty.err == "no apps yet; start one: roost start app.js\n");
  CHECK(daemon.run_with({"list", "-s"}, to_json(ipc::ListReply{})).err.empty());
}

TEST_CASE("roost: start tells the truth and returns 6 when an app did not come up") {
  const Daemon daemon;
  ipc::StartReply reply;
  reply.outcomes.resize(2);
  reply.outcomes[0].instance = api();
  reply.outcomes[0].ok = true;
  reply.outcomes[1].instance = api();
  reply.outcomes[1].instance.name = "job";
  reply.outcomes[1].error = "exit code 3 after 12ms";
  reply.outcomes[1].stderr_tail = "boom\n";
  const auto result = daemon.run_with({"start", "sleep", "--", "60"}, to_json(reply));
  CHECK(result.status == 6);
  CHECK(result.out == "started api (id 0, pid 123)\n");
  CHECK(result.err ==
        "failed job (id 0): exit code 3 after 12ms\n  | boom\n"
        "more: roost logs job, roost describe job\n");
  const auto silent = daemon.run_with({"start", "-s", "sleep", "--", "60"}, to_json(reply));
  CHECK(silent.status == 6);
  CHECK(silent.out.empty());
  CHECK(silent.err.find("exit code 3") != std::string::npos);
}

TEST_CASE("roost: start sends a finished spec") {
  const Daemon daemon;
  std::string asked;
  const auto result = daemon.run_with(
      {"start", "sleep", "--name", "nap", "--no-wait", "--env", "A=1", "--", "60", "--json"},
      to_json(ipc::StartReply{}), &asked);
  CHECK(result.status == 0);
  const auto envelope = ipc::decode_request(asked);
  REQUIRE(envelope);
  CHECK(envelope->method == "app.start");
  const auto request = decode<ipc::StartRequest>(envelope->params);
  REQUIRE(request);
  CHECK(request->targets.empty());
  CHECK_FALSE(request->wait);
  REQUIRE(request->app);
  CHECK(request->app->name == "nap");
  CHECK(request->app->args == std::vector<std::string>{"60", "--json"});
  CHECK(request->app->env.at("A") == "1");
  CHECK(request->app->env.contains("PATH"));
}

TEST_CASE("roost: start says that options change no app that exists") {
  const Daemon daemon;
  ipc::StartReply started;
  started.outcomes.emplace_back().ok = true;
  const auto reply = to_json(started);
  const auto noted = daemon.run_with({"start", "known-app", "-i", "3"}, reply);
  CHECK(noted.status == 0);
  CHECK(noted.err ==
        "note: 'known-app' exists already; options and arguments are for new apps only\n");
  CHECK(daemon.run_with({"start", "known-app", "--no-wait"}, reply).err.empty());
}

TEST_CASE("roost: an unknown word says what it is not") {
  const Daemon daemon;
  const auto result =
      daemon.run_failing({"start", "no-such-word"}, {Errc::not_found, "no app 'no-such-word'", ""});
  CHECK(result.status == 3);
  CHECK(result.err == "roost: 'no-such-word' is no file here, no program in PATH and no app\n");
}

TEST_CASE("roost: jlist passes the document through") {
  const Daemon daemon;
  const test::ScriptedServer server(daemon.paths, {[](test::Peer& peer) {
                                      if (!peer.hello()) return;
                                      const auto request = peer.request();
                                      if (!request) return;
                                      peer.message(ipc::FrameType::document, request->id,
                                                   "[" + std::string(200'000, ' ') + "]");
                                      peer.idle(5000);
                                    }});
  const auto result = daemon.run({"jlist"});
  CHECK(result.status == 0);
  CHECK(result.out == "[" + std::string(200'000, ' ') + "]\n");
}

TEST_CASE("roost: Ctrl-C while start waits says that it goes on, and returns 130") {
  const Daemon daemon;
  std::atomic<bool> waiting = false;
  const test::ScriptedServer server(daemon.paths, {[&](test::Peer& peer) {
                                      if (!peer.hello() || !peer.request()) return;
                                      waiting = true;
                                      peer.idle(10'000);
                                    }});
  test::RoostProgram program(ROOST_PROGRAM, daemon.paths.home, {"start", "sleep", "--", "60"});
  while (!waiting)
    std::this_thread::yield();
  ::kill(program.pid(), SIGINT);
  const auto result = program.finish();
  CHECK(result.status == 130);
  CHECK(result.err.find("goes on") != std::string::npos);
}

TEST_CASE("roost: stdout that takes nothing is an error, a reader that left is none") {
  const Daemon daemon;
  test::RoostProgram program(ROOST_PROGRAM, daemon.paths.home, {"help"});
  program.close_out();
  const auto result = program.finish();
  CHECK((result.status == 0 || result.status == 128 + SIGPIPE));
  CHECK(result.err.empty());
}

}  // namespace roost::cli
