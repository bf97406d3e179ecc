// Human output against tests/golden/cli. ROOST_GOLDEN_UPDATE=1 writes the files anew: read the
// diff.
#include <cstdlib>

#include <doctest/doctest.h>

#include "cli/output/app_views.h"
#include "core/base/fs.h"

namespace roost::cli {
namespace {

void check_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(ROOST_GOLDEN_DIR "/") + name + ".txt";
  if (std::getenv("ROOST_GOLDEN_UPDATE") != nullptr) {
    REQUIRE(write_file_atomic(path, text, 0644));
    return;
  }
  const auto expected = read_file(path, 1U << 20);
  REQUIRE_MESSAGE(expected, path);
  CHECK(text == *expected);
}

Terminal columns(std::uint32_t width) {
  return {.tty = true, .colour = false, .width = width};
}

ipc::InstanceInfo online(std::uint32_t id, std::string name, std::int32_t pid) {
  ipc::InstanceInfo info;
  info.id = id;
  info.name = std::move(name);
  info.ns = "default";
  info.state = model::State::online;
  info.pid = pid;
  info.uptime_ms = 185'000;
  info.started_ms = 1'780'000'000'000;
  info.cpu = 0.34;
  info.memory = 45'613'056;
  info.user = "deploy";
  return info;
}

ipc::InstanceInfo waiting(std::uint32_t id, std::string name) {
  ipc::InstanceInfo info;
  info.id = id;
  info.name = std::move(name);
  info.ns = "default";
  info.state = model::State::waiting;
  info.reason = "4 exits within 1s of start; next try in 800ms; the last one was exit code 7";
  info.restarts = 12;
  info.quick_exits = 9;
  info.user = "deploy";
  info.last_exit = model::ExitStatus{.kind = model::ExitKind::exited, .code = 7};
  return info;
}

ipc::StartOutcome outcome_of(ipc::InstanceInfo instance) {
  ipc::StartOutcome outcome;
  outcome.instance = std::move(instance);
  return outcome;
}

ipc::ListReply mixed() {
  ipc::ListReply reply;
  reply.instances = {online(0, "api", 12345), online(1, "api", 12346), waiting(2, "worker")};
  reply.instances[1].slot = 1;
  auto gone = waiting(30, "a-name-that-is-rather-long-for-a-column");
  gone.state = model::State::stopped;
  gone.reason.clear();
  gone.last_exit = model::ExitStatus{.kind = model::ExitKind::signaled, .signal = 11, .core = true};
  reply.instances.push_back(gone);
  auto launching = online(31, "日本語", 7);
  launching.state = model::State::launching;
  launching.uptime_ms = 120;
  reply.instances.push_back(launching);
  return reply;
}

}  // namespace

TEST_CASE("list: fits 80 columns") {
  check_golden("list-80", list_text(mixed(), columns(80)));
}

TEST_CASE("list: uses 200 columns") {
  check_golden("list-200", list_text(mixed(), columns(200)));
}

TEST_CASE("list: is plain and whole in a pipe") {
  check_golden("list-piped", list_text(mixed(), {}));
}

TEST_CASE("list: namespaces and users get columns when they differ") {
  auto reply = mixed();
  reply.instances[0].ns = "shop";
  reply.instances[1].user = "root";
  check_golden("list-namespaces-200", list_text(reply, columns(200)));
  check_golden("list-namespaces-80", list_text(reply, columns(80)));
}

TEST_CASE("list: colours stand for states") {
  check_golden("list-colour", list_text(mixed(), {.tty = true, .colour = true, .width = 80}));
}

TEST_CASE("list: a healthy one has no reason column; an empty one is empty") {
  ipc::ListReply reply;
  reply.instances = {online(0, "api", 12345)};
  check_golden("list-healthy", list_text(reply, columns(80)));
  CHECK(list_text({}, columns(80)).empty());
}

TEST_CASE("list: no line is wider than the terminal, whatever its width") {
  auto reply = mixed();
  reply.instances[0].ns = "shop";
  reply.instances[1].user = "root";
  for (std::uint32_t width = 40; width < 220; ++width) {
    const auto text = list_text(reply, columns(width));
    std::size_t at = 0;
    while (at < text.size()) {
      const auto end = text.find('\n', at);
      // The sample's wide characters take more bytes than columns, never fewer.
      CHECK(text.substr(at, end - at).find("\x1b") == std::string::npos);
      std::size_t shown = 0;
      for (std::size_t i = at; i < end; ++i)
        shown += (static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80 ? 1 : 0;
      CHECK(shown <= width);
      at = end + 1;
    }
  }
}

TEST_CASE("list: an app cannot write to the terminal through its reason") {
  ipc::ListReply reply;
  reply.instances = {waiting(0, "api")};
  reply.instances[0].reason = "\x1b]0;gotcha\x07\x1b[2Jboom\r";
  const auto text = list_text(reply, columns(80));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("boom\\r") != std::string::npos);
}

TEST_CASE("describe: everything of an instance") {
  ::setenv("TZ", "UTC", 1);
  ipc::Description app;
  app.instance = waiting(2, "worker");
  app.spec.name = "worker";
  app.spec.kind = model::ExecKind::interpreter;
  app.spec.script = "/srv/worker/main.py";
  app.spec.interpreter = "/usr/bin/python3";
  app.spec.interpreter_args = {"-u"};
  app.spec.args = {"--queue", "high priority"};
  app.spec.cwd = "/srv/worker";
  app.spec.env = {{"API_TOKEN", "********"}, {"LANG", "C.UTF-8"}};
  app.spec.max_restarts = 5;
  app.spec.restart_delay = 2s;
  app.created_ms = 1'780'000'000'000;
  app.out_file = "/root/.roost/logs/worker-out.log";
  app.error_file = "/root/.roost/logs/worker-error.log";
  ipc::ExitInfo exit;
  exit.pid = 77;
  exit.started_ms = 1'780'000'100'000;
  exit.ended_ms = 1'780'000'100'450;
  exit.status = {.kind = model::ExitKind::exited, .code = 7};
  exit.decision = "restart in 800ms: 4 exits within 1s of start";
  app.exits = {exit, exit};
  app.exits[1].pid = 76;
  app.exits[1].status = {.kind = model::ExitKind::unknown};
  check_golden("describe-80", describe_text({{app}}, columns(80)));
  check_golden("describe-200", describe_text({{app}}, columns(200)));

  ipc::Description second;
  second.instance = online(3, "api", 12345);
  second.instance.slot = 1;
  second.spec.kind = model::ExecKind::shell;
  second.spec.script = "exec ./serve --port 80";
  second.spec.cwd = "/srv";
  check_golden("describe-two", describe_text({{app, second}}, columns(80)));
}

TEST_CASE("start: one line per instance, with what failed and its last words") {
  ipc::StartReply reply;
  auto started = outcome_of(online(0, "api", 123));
  started.ok = true;
  auto running = outcome_of(online(1, "worker", 12));
  running.ok = true;
  running.already_running = true;
  auto failed = outcome_of(waiting(2, "job"));
  failed.error = "exit code 3 after 12ms";
  failed.stderr_tail = "Error: Cannot find module './x'\n    at \x1b[31mload\x1b[0m\n";
  reply.outcomes = {started, running, failed};
  std::string text;
  for (const auto& line : start_lines(reply, "started"))
    text += line + "\n";
  for (const auto& line : failure_lines(reply, columns(80)))
    text += line + "\n";
  check_golden("start", text);
}

TEST_CASE("jobs: one that waits, one that runs, one that failed, one on request") {
  const auto job_of = [](ipc::InstanceInfo instance) {
    ipc::JobInfo job;
    job.instance = std::move(instance);
    job.instance.job = true;
    return job;
  };
  ipc::JobInfo waits = job_of(waiting(0, "backup"));
  waits.instance.scheduled = true;
  waits.schedule = "30 2 * * *";
  waits.timezone = "Europe/Berlin";
  waits.next = "2026-11-29 02:30:00 +01:00";
  waits.last = ipc::ExitInfo{.pid = 7,
                             .started_ms = 1'780'000'000'000,
                             .ended_ms = 1'780'000'063'000,
                             .status = {.kind = model::ExitKind::exited, .code = 0},
                             .decision = {}};
  waits.last_ended = "2026-05-28 22:27:43 +02:00";
  ipc::JobInfo runs = job_of(online(1, "sync", 12));
  runs.schedule = "*/5 * * * *";
  runs.next = "2026-11-28 18:05:00 +00:00";
  runs.skipped = 2;
  ipc::JobInfo failed = job_of(waiting(2, "report"));
  failed.instance.state = model::State::errored;
  failed.instance.scheduled = true;
  failed.schedule = "@daily";
  failed.next = "2026-11-29 00:00:00 +00:00";
  failed.last = waits.last;
  failed.last->status = {.kind = model::ExitKind::signaled, .signal = 15};
  failed.last_ended = "2026-05-28 20:27:43 +00:00";
  failed.timed_out = true;
  ipc::JobInfo asked = job_of(waiting(3, "migrate"));
  asked.instance.state = model::State::stopped;
  asked.instance.scheduled = true;
  ipc::JobInfo off = asked;
  off.instance.name = "cleanup";
  off.instance.scheduled = false;
  const ipc::JobsReply reply{{waits, runs, failed, asked, off}};
  check_golden("jobs-200", jobs_text(reply, columns(200)));
  check_golden("jobs-80", jobs_text(reply, columns(80)));
}

TEST_CASE("start: many instances of one app are one line, many failures are counted") {
  ipc::StartReply reply;
  for (std::uint32_t i = 0; i < 100; ++i) {
    auto outcome = outcome_of(online(i, "api", 1000));
    outcome.ok = i % 10 != 3;
    outcome.instance.slot = i;
    outcome.error = outcome.ok ? "" : "exit code 1 after 3ms";
    reply.outcomes.push_back(outcome);
  }
  std::string text;
  for (const auto& line : start_lines(reply, "starting"))
    text += line + "\n";
  for (const auto& line : failure_lines(reply, columns(80)))
    text += line + "\n";
  check_golden("start-many", text);
}

TEST_CASE("stop: says what it took") {
  ipc::StopReply reply;
  ipc::StopOutcome plain{.instance = waiting(0, "api"), .pid = 12, .processes = 1};
  ipc::StopOutcome tree{.instance = waiting(1, "api"), .pid = 13, .processes = 3, .killed = 1};
  tree.instance.slot = 1;
  ipc::StopOutcome none{.instance = waiting(2, "worker"), .already_stopped = true};
  ipc::StopOutcome between{.instance = waiting(3, "job")};
  reply.outcomes = {plain, tree, none, between};
  std::string text;
  for (const auto& line : stop_lines(reply, "stopped"))
    text += line + "\n";
  for (const auto& line : stop_lines(reply, "deleted"))
    text += line + "\n";
  check_golden("stop", text);
}

}  // namespace roost::cli
