#include "cli/output/event_view.h"

#include <sstream>

#include <doctest/doctest.h>

#include "cli/output/stats_view.h"
#include "cli/output/width.h"

using namespace roost;
using namespace roost::cli;

namespace {
ipc::EventInfo crash() {
  ipc::EventInfo event;
  event.time_ms = 1'780'000'000'000;
  event.event = "exit";
  event.id = 3;
  event.name = "api";
  event.slot = 2;
  event.pid = 812;
  event.status = model::ExitStatus{.kind = model::ExitKind::exited, .code = 3};
  event.ran_for_ms = 12;
  event.reason = "restarting at once";
  return event;
}
}  // namespace

TEST_CASE("event: who, how and what was done about it") {
  const std::string line = event_line(crash(), {});
  CHECK(line.find("exit          api#2  pid 812: exit code 3 after 12ms: restarting at once\n") !=
        std::string::npos);
}

TEST_CASE("event: no line is wider than the terminal, and escapes of a name stay harmless") {
  ipc::EventInfo event = crash();
  event.reason = std::string("\x1b[2J") + std::string(300, 'x');
  event.name = std::string(100, 'n');
  const std::string text = event_line(event, {.tty = true, .colour = false, .width = 80});
  std::istringstream lines(text);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    CHECK(display_width(line) <= 80);
  CHECK(count == 2);
  CHECK(text.find("\n    pid 812: exit code 3 after 12ms: ") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("stats: trouble is shown only where there is some") {
  ipc::DaemonStats stats;
  stats.version = "1.2.3";
  CHECK(stats_text(stats, {}).find("failed") == std::string::npos);
  stats.store_failed = 2;
  stats.log_files_stopped = 1;
  stats.store_error = "disk full";
  const std::string text = stats_text(stats, {});
  CHECK(text.find("2 failed") != std::string::npos);
  CHECK(text.find("1 file cannot be written") != std::string::npos);
  CHECK(text.find("disk full") != std::string::npos);
}
