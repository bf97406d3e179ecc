// stop_command: a shell line, run as the app's user in a child process, that asks the app to stop
// in place of the signal. SIGKILL follows at the end of kill_timeout as always.
#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/logs/pump.h"
#include "daemon/process/spawn_plan.h"
#include "daemon/process/tree_signal.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

using model::RunId;

namespace {

// What is wrong in the end stands last: "exit code 3: cannot connect".
std::string in_words(std::string_view output) {
  constexpr std::size_t kMost = 200;
  while (output.ends_with('\n'))
    output.remove_suffix(1);
  const std::size_t last = output.rfind('\n') + 1;  // 0 when there is one line only
  std::string words(output.substr(last));
  if (last > 0) words += ": " + std::string(output.substr(0, output.find('\n')));
  return words.substr(0, kMost);
}

// What it printed goes where the app's own complaints are, each line with its name before it.
UniqueFd as_pipe(std::string_view output) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return {};
  UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  std::string text;
  while (!output.empty()) {
    const std::size_t size = std::min(output.find('\n'), output.size());
    text.append("stop_command: ").append(output.substr(0, size)).append("\n");
    output.remove_prefix(std::min(size + 1, output.size()));
  }
  // A pipe holds 64 KiB, and this is less: 4 KiB were kept, and a full pipe only cuts it.
  (void)!::write(write_end.get(), text.data(), text.size());
  return read_end;
}

}  // namespace

// The tree is found first, as before a signal. The end of the run waits for the command.
void Supervisor::run_stop_command(Run& run) {
  const RunId id = run.label.run;
  auto found = std::make_shared<TreeSignal>();
  const auto begin = [this, id, found] {
    if (Run* still = find_run(id)) {
      still->memory = std::move(found->memory);
      still->stop_turn.emplace(p_.loop, [this, id] { skip_stop_command(id); });
      still->stop_turn->start((still->stop_deadline - Monotonic::now()) / 2);
    }
    stop_commands_.add([this, id] { return plan_stop_command(id); },
                       [this, id](const ProbeOutcome& outcome) { on_stop_command(id, outcome); });
  };
  ++run.signalling;
  if (run.spec->kill_mode == model::KillMode::process) return begin();
  const Status submitted = p_.worker.submit(
      [found, root = tree_root(run), memory = run.memory, asked = to_ns(Monotonic::now())] {
        *found = signal_tree(root, 0, Resend::everyone, memory, asked);
      },
      begin);
  if (!submitted) begin();
}

// Too many stop at once: half of its time is left for the signal.
void Supervisor::skip_stop_command(RunId id) {
  Run* run = find_run(id);
  Instance* instance = run != nullptr ? find_mutable(run->label.instance) : nullptr;
  if (instance == nullptr) return;
  run->stop_skipped = true;
  run->stop_problem = "stop_command was not run: too many at once; it got the signal instead";
  log_warning("stop", "app=" + instance->spec->name + " " + run->stop_problem);
  if (!run->exit) send_stop_signal(*instance, *run);
  signalled(*run);
}

std::optional<ProbePlan> Supervisor::plan_stop_command(RunId id) {
  Run* run = find_run(id);
  const Instance* instance = run != nullptr ? find(run->label.instance) : nullptr;
  if (instance == nullptr || run->exit || run->stop_skipped) return std::nullopt;
  run->stop_turn.reset();
  const Duration left = run->stop_deadline - Monotonic::now();
  if (left <= 0s) return std::nullopt;
  ProbePlan plan{.program = p_.helper,
                 .kind = "exec",
                 .target = run->spec->stop_command,
                 .timeout = left,
                 .cwd = run->spec->cwd,
                 .env = probe_environment(*run->spec, instance->slot),
                 .like = {run->label.pid, run->label.start_ticks}};
  plan.env.push_back("ROOST_PID=" + std::to_string(run->label.pid));
  return plan;
}

void Supervisor::on_stop_command(RunId id, const ProbeOutcome& outcome) {
  Run* run = find_run(id);
  Instance* instance = run != nullptr ? find_mutable(run->label.instance) : nullptr;
  if (instance == nullptr || run->stop_skipped) return;
  run->stop_turn.reset();
  if (UniqueFd pipe = outcome.output.empty() ? UniqueFd() : as_pipe(outcome.output)) {
    const RunId told = next_run_id();  // none of the keeper's
    pump_->attach(told, model::Stream::err, std::move(pipe),
                  log_target(*instance, model::Stream::err));
    pump_->finish(told);
  }
  const bool wanted = !run->exit && Monotonic::now() < run->stop_deadline;
  if (outcome.tried && !outcome.passed) {
    run->stop_problem = "stop_command failed: " + in_words(outcome.output);
    log_warning("stop", "app=" + instance->spec->name + " " + run->stop_problem);
  } else if (!outcome.tried && wanted) {
    run->stop_problem = "stop_command could not be run: " + in_words(outcome.output);
    log_warning("stop", "app=" + instance->spec->name + " " + run->stop_problem +
                            "; it gets the signal instead");
    send_stop_signal(*instance, *run);
  }
  signalled(*run);
}

}  // namespace roost::daemon
