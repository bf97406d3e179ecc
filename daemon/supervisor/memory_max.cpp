// memory_max: the limit that the kernel holds, and its exits by name.
#include "core/base/bytes.h"
#include "daemon/log.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

// A run without its limit is told of, in the log and by `describe`; it runs all the same.
void Supervisor::limit_memory(const Instance& instance, Run& run, SpawnPlan& plan) {
  if (!instance.spec->memory_max) return;
  Result<MemoryGroup> made = memory_groups_.make(run.lane, instance.id, *instance.spec->memory_max);
  if (!made) return report_no_limit(instance, std::move(made).error().message);
  run.memory_group = std::move(*made);
  plan.memory_procs = run.memory_group.procs();
}

void Supervisor::report_no_limit(const Instance& instance, std::string why) {
  log_warning("memory", "app=" + instance.spec->name + " memory_max is not held: " + why);
  memory_groups_.report(std::move(why));
}

std::string Supervisor::memory_problem(const model::AppSpec& spec) {
  return spec.memory_max ? memory_groups_.problem() : std::string();
}

// What else would be a mere SIGKILL; a shell hands on that of its child as a code.
std::string Supervisor::exit_cause(const Run& run) const {
  constexpr int kKilled = 9;
  constexpr int kKilledChild = 128 + kKilled;
  const model::ExitStatus status = model::exit_status_from(run.exit->code, run.exit->status);
  const bool fits = status.signal == kKilled || status.code == kKilledChild;
  if (!fits || !run.spec->memory_max || oom_kills(run.memory_group) == 0) return {};
  return "out of memory: over memory_max " + bytes_in_words(*run.spec->memory_max);
}

}  // namespace roost::daemon
