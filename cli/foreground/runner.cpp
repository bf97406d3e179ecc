#include "cli/foreground/runner.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/foreground/child.h"
#include "core/base/fs.h"
#include "core/base/words.h"
#include "core/model/exit_status.h"

namespace roost::cli {
namespace {

constexpr std::array kAskToStop{SIGTERM, SIGINT, SIGQUIT};
constexpr std::array kHandedOn{SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH};

int code_of(const model::ExitStatus& status) {
  return status.kind == model::ExitKind::signaled ? 128 + status.signal : status.code;
}

int cld_code(int status) {
  if (WIFEXITED(status)) return CLD_EXITED;
  return WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
}

int open_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : kAskToStop)
    ::sigaddset(&set, number);
  for (const int number : kHandedOn)
    ::sigaddset(&set, number);
  ::sigaddset(&set, SIGCHLD);
  ::sigaddset(&set, SIGTTOU);  // we give the terminal away and take it back
  ::signal(SIGPIPE, SIG_IGN);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return -1;
  return ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

ExitCode Runner::run(const std::vector<model::AppSpec>& specs) {
  signals_ = open_signals();
  if (signals_ < 0) return invocation_.fail(errno_error("signalfd", errno));
  const UniqueFd owner(signals_);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  for (const model::AppSpec& spec : specs)
    for (std::uint32_t slot = 0; slot < spec.instances; ++slot)
      units_.push_back({&spec, slot, static_cast<std::uint32_t>(units_.size())});
  for (Unit& unit : units_)
    start(unit);
  while (!is_over())
    turn();
  end_leftovers();
  output_.finish();
  if (owns_terminal_) ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
  return static_cast<ExitCode>(result_);
}

std::string Runner::label(const Unit& unit) const {
  return unit.spec->name + (unit.spec->instances > 1 ? "#" + std::to_string(unit.slot) : "");
}

void Runner::say(const Unit& unit, const std::string& text) {
  if (!invocation_.options.silent) invocation_.complain("roost: " + label(unit) + ": " + text);
}

bool Runner::is_over() const {
  return std::all_of(units_.begin(), units_.end(),
                     [](const Unit& unit) { return unit.pid == 0 && !unit.next_start; });
}

// ---- processes

Result<pid_t> Runner::spawn(Unit& unit) {
  const bool alone = is_the_only_one();
  owns_terminal_ = alone && ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
  if (format_ == LogFormat::raw)
    return spawn_child(*unit.spec, unit.slot, unit.id,
                       {.own_stdin = alone, .terminal = owns_terminal_});
  auto out = output_.open(unit.spec->name, unit.slot, "out");
  auto err = output_.open(unit.spec->name, unit.slot, "err");
  if (!out || !err) return (out ? err : out).error();
  return spawn_child(
      *unit.spec, unit.slot, unit.id,
      {.own_stdin = alone, .terminal = owns_terminal_, .out = out->get(), .err = err->get()});
}

void Runner::start(Unit& unit) {
  unit.next_start.reset();
  unit.started = Monotonic::now();
  const auto pid = spawn(unit);
  if (pid) {
    unit.pid = *pid;
    return;
  }
  say(unit, pid.error().message);
  const int code = pid.error().code == Errc::not_found ? kProgramNotFound : kCannotExecute;
  decide(unit, {.kind = model::ExitKind::exited, .code = code}, 0s);
}

// One that is restarted shares nothing: Ctrl-C then ends us, and not just its present process.
bool Runner::is_the_only_one() const {
  return units_.size() == 1 && supervision_ == Supervision::once;
}

// Ctrl-Z reaches the app only; the shell waits for us. As process 1 we cannot stop: it goes on.
void Runner::pause(const Unit& unit) {
  if (!owns_terminal_) return;
  ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
  ::raise(SIGSTOP);
  // Else we were continued in the background.
  if (::tcgetpgrp(STDIN_FILENO) == ::getpgrp()) ::tcsetpgrp(STDIN_FILENO, unit.pid);
  ::kill(-unit.pid, SIGCONT);
}

void Runner::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0;) {
    const auto unit =
        std::find_if(units_.begin(), units_.end(), [pid](const Unit& at) { return at.pid == pid; });
    if (unit == units_.end()) continue;
    if (WIFSTOPPED(status))
      pause(*unit);
    else
      on_exit(*unit, status);
  }
}

void Runner::on_exit(Unit& unit, int status) {
  const model::ExitStatus how = model::exit_status_from(
      cld_code(status), WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  // What it left behind in its group would hold its ports and files.
  if (unit.spec->kill_mode == model::KillMode::tree) ::kill(-unit.pid, SIGKILL);
  unit.pid = 0;
  unit.kill_at.reset();
  decide(unit, how, Monotonic::now() - unit.started);
}

void Runner::decide(Unit& unit, const model::ExitStatus& status, Duration ran_for) {
  const bool alone = units_.size() == 1;
  const bool failed = !model::is_success(status);
  if (stopping_ || supervision_ == Supervision::once ||
      model::is_finished(status, model::restart_policy_of(*unit.spec).restart,
                         unit.spec->stop_exit_codes)) {
    if (alone || (failed && result_ == 0 && !stopping_)) result_ = code_of(status);
    return;
  }
  const model::RestartPolicy policy = model::restart_policy_of(*unit.spec);
  const double jitter = std::generate_canonical<double, 20>(random_);
  const TimePoint now = Monotonic::now();
  const auto decision = unit.tracker.on_exit(status, ran_for, now, policy, jitter);
  const std::string ended = model::describe(status) + " after " + model::in_words(ran_for);
  say(unit, decision.reason.empty() ? ended : ended + ": " + decision.reason);
  if (decision.action == model::RestartDecision::Action::restart)
    unit.next_start = now + decision.delay;
  else if (alone || (failed && result_ == 0))
    result_ = code_of(status);
}

// ---- signals and times

void Runner::turn() {
  std::vector<pollfd> fds;
  output_.add_to(fds);
  fds.push_back({signals_, POLLIN, 0});
  if (::poll(fds.data(), fds.size(), wait_ms()) > 0) {
    output_.handle(fds);
    signalfd_siginfo info{};
    while (::read(signals_, &info, sizeof info) == sizeof info)
      on_signal(static_cast<int>(info.ssi_signo));
  }
  reap();
  on_time();
}

int Runner::wait_ms() const {
  std::optional<TimePoint> next;
  for (const Unit& unit : units_)
    for (const auto& at : {unit.next_start, unit.kill_at})
      if (at && (!next || *at < *next)) next = at;
  if (!next) return -1;
  return static_cast<int>(std::clamp<std::int64_t>(to_ms(*next - Monotonic::now()) + 1, 0, 60'000));
}

void Runner::on_signal(int number) {
  if (std::find(kAskToStop.begin(), kAskToStop.end(), number) != kAskToStop.end())
    return stop_all(number);
  if (std::find(kHandedOn.begin(), kHandedOn.end(), number) == kHandedOn.end()) return;
  for (const Unit& unit : units_)
    if (unit.pid != 0) ::kill(unit.pid, number);
}

// SIGTERM asks in the app's own words, the others are handed on as they are. A second one is, too,
// but does not give it more time.
void Runner::stop_all(int number) {
  stopping_ = true;
  for (Unit& unit : units_) {
    unit.next_start.reset();
    if (unit.pid == 0) continue;
    const int asked = number == SIGTERM ? static_cast<int>(unit.spec->stop_signal) : number;
    const bool tree = unit.spec->kill_mode == model::KillMode::tree;
    ::kill(tree ? -unit.pid : unit.pid, asked);
    if (!unit.kill_at) unit.kill_at = Monotonic::now() + unit.spec->kill_timeout;
  }
}

void Runner::on_time() {
  const TimePoint now = Monotonic::now();
  for (Unit& unit : units_) {
    if (unit.kill_at && *unit.kill_at <= now && unit.pid != 0) {
      say(unit, "did not end within " + model::in_words(unit.spec->kill_timeout) + ": killed");
      ::kill(-unit.pid, SIGKILL);
      unit.kill_at.reset();
    }
    if (unit.next_start && *unit.next_start <= now) start(unit);
  }
}

// Whatever fell to us and would go on without anybody.
void Runner::end_leftovers() {
  const TimePoint until = Monotonic::now() + 5s;
  while (Monotonic::now() < until) {
    const auto children = read_file("/proc/thread-self/children", 1U << 20);
    if (!children || children->empty()) return;
    for (const std::string& word : split_words(*children))
      ::kill(static_cast<pid_t>(std::stol(word)), SIGKILL);
    if (::waitpid(-1, nullptr, 0) < 0 && errno != EINTR) return;
  }
}

}  // namespace roost::cli
