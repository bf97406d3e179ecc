#include "daemon/api/view.h"

#include <algorithm>

namespace roost::daemon {
namespace {

// Of a wait, what is left of it.
std::string reason_now(const Instance& instance) {
  constexpr std::string_view kWait = "next try in ";
  const std::string& reason = instance.machine.reason;
  const std::size_t at = reason.rfind(kWait);
  if (model::state_of(instance.machine) != model::State::waiting || at == std::string::npos)
    return reason;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(instance.next_try - Monotonic::now());
  return reason.substr(0, at + kWait.size()) +
         model::in_words(std::max(Duration(1ms), Duration(left)));
}

// Of a job, with when it comes next. One at rest waits for its time.
void show_job(Services& services, const Instance& instance, ipc::InstanceInfo& info) {
  const model::InstanceState& m = instance.machine;
  info.job = true;
  if (m.current || m.rest == model::Rest::waiting || m.rest == model::Rest::held) return;
  const std::string next = services.policies.jobs().next_in_words(instance);
  info.scheduled = model::is_wanted(m);
  if (m.rest == model::Rest::errored || !info.scheduled)
    info.reason += (info.reason.empty() ? "" : "; ") + next;
  else
    info.reason = next;
  if (info.scheduled && m.rest == model::Rest::stopped && !instance.spec->schedule.empty())
    info.state = model::State::waiting;
}

std::string output_problem(Services& services, const Instance& instance) {
  const LogProblems& problems = services.pump.problems();
  if (!problems.any()) return {};
  const LogPaths paths = services.supervisor.log_paths(instance);
  for (const std::string* path : {&paths.out, &paths.err, &paths.both}) {
    const auto problem = problems.find(*path);
    if (!problem) continue;
    const bool waits = problem->kind == LogProblem::Kind::stopped;
    return (waits ? "its output waits: " : "its output is discarded: ") +
           errno_error(problem->path, problem->errnum).message;
  }
  return {};
}

// What does not keep it from running.
std::string standing_problem(Services& services, const Instance& instance) {
  const HealthFacts* health = services.health.facts(instance.id);
  if (health != nullptr && !health->held.empty())
    return health->held + "; restarted when its turn comes";
  const std::string unlimited = services.supervisor.memory_problem(*instance.spec);
  if (!unlimited.empty()) return "memory_max is not held: " + unlimited;
  if (std::string output = output_problem(services, instance); !output.empty()) return output;
  return services.policies.files().problem_of(instance.app);
}

}  // namespace

ipc::InstanceInfo view_of(Services& services, const Instance& instance, Measured usage) {
  const model::InstanceState& m = instance.machine;
  ipc::InstanceInfo info;
  info.id = raw(instance.id);
  info.name = instance.spec->name;
  info.ns = instance.spec->ns;
  info.slot = instance.slot;
  info.state = model::state_of(m);
  info.reason = m.reason.empty() ? standing_problem(services, instance) : reason_now(instance);
  if (instance.spec->job) show_job(services, instance, info);
  info.restarts = m.restarts;
  info.quick_exits = m.quick_exits;
  info.user = instance.spec->user.empty() ? services.user : instance.spec->user;
  info.last_exit = instance.last_exit;
  if (!instance.spec->labels.empty()) info.labels = instance.spec->labels;
  const Run* run = services.supervisor.current_run(instance);
  if (run == nullptr || !run->spawned || run->exit) return info;
  const TimePoint now = Monotonic::now();
  info.pid = run->label.pid;
  info.started_ms = run->label.started_wall_ms;
  info.uptime_ms = std::max<std::int64_t>(0, to_ms(now - from_ns(run->label.started_ns)));
  if (usage == Measured::no) return info;
  if (const auto used = services.usage.of(*run, now)) {
    info.cpu = used->cpu_percent;
    info.memory = used->rss_bytes;
  }
  return info;
}

}  // namespace roost::daemon
