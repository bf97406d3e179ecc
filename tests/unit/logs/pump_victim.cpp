// The pump alone in a process that may be killed: takes over inherited pipes and moves them until
// all have ended. pump_victim FD[:MASTER] PATH [FD PATH]…   exit status 0: all ended.
// PUMP_VICTIM_RELAY: descriptors of a relay, pipe and note. PUMP_VICTIM_LINES: each is written line
// by line, with a "T" before it, and to this file as well.
#include <cstdlib>
#include <string>
#include <utility>

#include "core/loop/loop.h"
#include "daemon/logs/pump.h"

int main(int argc, char** argv) {
  using namespace roost;
  loop::Loop loop;
  int open_runs = 0;
  daemon::Pump::Options options;
  options.post = [&](std::function<void()> task) { loop.post(std::move(task)); };
  options.on_drained = [&](daemon::RunId, const daemon::DrainReport&) {
    if (--open_runs == 0) loop.stop();
  };
  options.exit_gate = 1h;  // the ends decide
  options.unended_line = 1h;
  options.pipe_bytes = 128U << 10;  // so that much is still to come when it is killed
  const char* const all = std::getenv("PUMP_VICTIM_LINES");
  if (const char* const dir = std::getenv("PUMP_VICTIM_DIR")) options.log_dir = dir;
  daemon::Pump pump(options);
  if (!pump.start()) return 1;
  if (const char* const relay = std::getenv("PUMP_VICTIM_RELAY")) {
    char* end = nullptr;
    const auto pipe = static_cast<int>(std::strtol(relay, &end, 10));
    pump.use_relay(pipe, std::atoi(end));
  }
  for (int i = 1; i + 1 < argc; i += 2) {
    const daemon::RunId run{static_cast<std::uint64_t>(i)};
    ++open_runs;
    daemon::LogTarget target{.path = argv[i + 1], .owner = {}};
    if (all != nullptr) {
      target.lines = model::LineRule{.date_format = "[T]"};
      target.also = all;
    }
    constexpr auto kOrigin = daemon::Pump::Origin::taken_over;
    char* rest = nullptr;
    UniqueFd pipe(static_cast<int>(std::strtol(argv[i], &rest, 10)));
    if (*rest == ':')
      pump.attach_terminal(run, std::move(pipe), UniqueFd(std::atoi(rest + 1)), std::move(target),
                           kOrigin);
    else
      pump.attach(run, daemon::Stream::out, std::move(pipe), std::move(target), kOrigin);
    pump.finish(run);
  }
  loop.run();
  return 0;
}
