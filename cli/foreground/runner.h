// Runner: `roost run` behind its options: supervises apps in the foreground, without daemon and
// home, fit to be PID 1. Reaps whatever falls to it, hands signals on, and restarts as the daemon
// would (core/model/restart_policy.h).
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <sys/types.h>

#include "cli/exit_codes.h"
#include "cli/foreground/line_output.h"
#include "cli/invocation.h"
#include "core/base/time.h"
#include "core/model/app_spec.h"
#include "core/model/restart_policy.h"

namespace roost::cli {

// What `roost run` ends with when there is nothing to run, as a shell does.
inline constexpr int kProgramNotFound = 127;
inline constexpr int kCannotExecute = 126;

enum class LogFormat : std::uint8_t { raw, json };
// Whether an app that has ended is started again as its policy says, or that is the end of it.
enum class Supervision : std::uint8_t { once, policy };

class Runner {
 public:
  Runner(Invocation& invocation, LogFormat format, Supervision supervision)
      : invocation_(invocation), format_(format), supervision_(supervision) {}

  // Until no app is left. The status is the app's own (128+n for a signal n); of several that of
  // the first one that failed, an end we asked for not counted.
  [[nodiscard]] ExitCode run(const std::vector<model::AppSpec>& specs);

 private:
  struct Unit {
    const model::AppSpec* spec = nullptr;
    std::uint32_t slot = 0;
    std::uint32_t id = 0;
    model::RestartTracker tracker{};
    pid_t pid = 0;
    TimePoint started{};
    std::optional<TimePoint> next_start{};
    std::optional<TimePoint> kill_at{};
  };

  void start(Unit& unit);
  [[nodiscard]] Result<pid_t> spawn(Unit& unit);
  [[nodiscard]] bool is_the_only_one() const;
  void pause(const Unit& unit);
  void turn();
  void on_signal(int number);
  void stop_all(int number);
  void reap();
  void on_exit(Unit& unit, int status);
  void decide(Unit& unit, const model::ExitStatus& status, Duration ran_for);
  void on_time();
  void end_leftovers();
  void say(const Unit& unit, const std::string& text);
  [[nodiscard]] int wait_ms() const;
  [[nodiscard]] bool is_over() const;
  [[nodiscard]] std::string label(const Unit& unit) const;

  Invocation& invocation_;
  LogFormat format_;
  Supervision supervision_;
  std::vector<Unit> units_;
  LineOutput output_;
  int signals_ = -1;
  bool owns_terminal_ = false;  // Ctrl-C and what is typed are the app's
  bool stopping_ = false;
  int result_ = 0;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace roost::cli
