#include "daemon/supervisor/health.h"

#include <utility>

#include "core/model/instance_text.h"
#include "core/model/limits.h"
#include "core/model/readiness.h"
#include "daemon/log.h"
#include "daemon/process/spawn_plan.h"

namespace roost::daemon {

using model::HealthVerdict;
using model::InstanceId;
using model::Phase;
using model::RunId;

namespace {

constexpr Duration kFirstLook = 100ms;   // after the start
constexpr Duration kPhaseRetry = 250ms;  // until the app has said that it is ready

std::string_view kind_of(const model::HealthProbe& probe) {
  switch (probe.kind) {
    case model::ProbeKind::http:
      return "http";
    case model::ProbeKind::tcp:
      return "tcp";
    case model::ProbeKind::exec:
      return "exec";
  }
  return {};
}

// Its first line is what the reason has room for.
std::string first_line(const std::string& text) {
  constexpr std::size_t kMost = 120;
  return text.substr(0, std::min(text.find('\n'), kMost));
}

}  // namespace

Health::Health(loop::Loop& loop, loop::Worker& worker, Bus& bus, Supervisor& supervisor,
               std::string program)
    : loop_(loop), worker_(worker), supervisor_(supervisor), program_(std::move(program)) {
  (void)bus.subscribe([this](const Event& event) { on_event(event); });  // for good
}

void Health::begin() {
  for (const auto& [id, instance] : supervisor_.instances())
    if (const Run* run = supervisor_.current_run(instance); run != nullptr && run->spawned)
      watch(id, run->label.run);
}

const HealthFacts* Health::facts(InstanceId id) const {
  const auto it = watches_.find(id);
  return it == watches_.end() || !it->second.facts.last ? nullptr : &it->second.facts;
}

void Health::on_event(const Event& event) {
  switch (event.kind) {
    case Event::Kind::started:
      return watch(event.instance, event.run);
    case Event::Kind::run_over:
      return on_run_over({event.instance, event.run});
    case Event::Kind::deleted:
      watches_.erase(event.instance);
      return;
    case Event::Kind::added:
    case Event::Kind::enrolled:
    case Event::Kind::online:
    case Event::Kind::held:
    case Event::Kind::stopped:
    case Event::Kind::spawn_failed:
      return;
  }
}

// No probe outlives what it looks at.
void Health::on_run_over(const Asked& over) {
  if (Watch* watch = find_watch(over)) watch->timer.cancel();
  for (const auto& [number, running] : running_)
    if (running.asked.run == over.run) running.child->end();
}

void Health::watch(InstanceId id, RunId run) {
  watches_.erase(id);
  const Instance* instance = supervisor_.find(id);
  if (instance == nullptr || !instance->spec->health) return;
  const auto [it, made] = watches_.try_emplace(id, loop_, run, [this, id] { on_due(id); });
  it->second.timer.start(kFirstLook);
}

Health::Watch* Health::find_watch(const Asked& asked) {
  const auto it = watches_.find(asked.instance);
  return it == watches_.end() || it->second.run != asked.run ? nullptr : &it->second;
}

// The instance, if this is its current run and it may be probed.
const Instance* Health::probed_instance(const Asked& asked) const {
  const Instance* instance = supervisor_.find(asked.instance);
  if (instance == nullptr || !instance->spec->health || !instance->machine.current ||
      instance->machine.current->id != asked.run)
    return nullptr;
  const Phase phase = instance->machine.current->phase;
  return phase == Phase::launching || phase == Phase::online ? instance : nullptr;
}

void Health::on_due(InstanceId id) {
  Watch& watch = watches_.at(id);
  const Asked asked{id, watch.run};
  const Instance* instance = probed_instance(asked);
  if (instance == nullptr) return;
  const bool launching = instance->machine.current->phase == Phase::launching;
  if (launching && model::ready_by(*instance->spec) == model::ReadyBy::word)
    return watch.timer.start(kPhaseRetry);
  if (running_.size() < model::limits::kMaxProbes) return probe(asked);
  queue_.push_back(asked);
}

void Health::probe(const Asked& asked) {
  const Instance* instance = probed_instance(asked);
  const Run* run = instance != nullptr ? supervisor_.current_run(*instance) : nullptr;
  if (run == nullptr) return;
  const model::AppSpec& spec = *instance->spec;
  ProbePlan plan{.program = program_,
                 .kind = std::string(kind_of(*spec.health)),
                 .target = model::InstanceText(spec, instance->slot)(spec.health->target),
                 .timeout = spec.health->timeout,
                 .cwd = spec.cwd,
                 .env = probe_environment(spec, instance->slot),
                 .like = {run->label.pid, run->label.start_ticks}};
  const std::uint64_t number = ++last_number_;
  auto child = std::make_unique<ProbeChild>(loop_, worker_, std::move(plan),
                                            [this, number, asked](ProbeOutcome outcome) {
                                              on_probed(number, asked, std::move(outcome));
                                            });
  running_.emplace(number, Running{asked, std::move(child)});
}

void Health::on_probed(std::uint64_t number, const Asked& asked, ProbeOutcome outcome) {
  running_.erase(number);
  Watch* watch = find_watch(asked);
  if (const Instance* instance = probed_instance(asked); watch != nullptr && instance != nullptr)
    judge(*watch, *instance, outcome);
  next_in_queue();
}

void Health::judge(Watch& watch, const Instance& instance, const ProbeOutcome& outcome) {
  const model::HealthProbe& probe = *instance.spec->health;
  if (!outcome.tried) {
    log_warning("health", "app=" + instance.spec->name + " no probe: " + outcome.output);
    return watch.timer.start(probe.interval);
  }
  const Run& run = *supervisor_.current_run(instance);
  const Duration age = Monotonic::now() - from_ns(run.label.started_ns);
  const bool launching = instance.machine.current->phase == Phase::launching;
  const HealthVerdict verdict = watch.tracker.on_probe(
      outcome.passed, age, probe, instance.machine.tracker.memory().quick_streak);
  watch.facts.last = outcome;
  watch.facts.last_ms = wall_now_ms();
  watch.facts.failures = watch.tracker.failures();
  if (outcome.passed) watch.facts.held.clear();
  watch.timer.start(model::probe_pause(probe, launching && verdict != HealthVerdict::ready));
  switch (verdict) {
    case HealthVerdict::none:
      return;
    case HealthVerdict::ready:
      return supervisor_.say_ready(watch.run);
    case HealthVerdict::unhealthy:
      break;
  }
  const bool is_new = watch.facts.held.empty();
  if (is_new) watch.held_since = Monotonic::now();
  watch.facts.held = "unhealthy: " + std::to_string(watch.tracker.failures()) +
                     " probes in a row failed, the last: " + first_line(outcome.output);
  restart_next();
  if (is_new && !watch.facts.held.empty())
    log_warning("health", "app=" + instance.spec->name + " " + watch.facts.held +
                              "; not restarted yet, since several apps were just now");
}

// Whoever has waited longest: one whose restart does not help comes after those that had none.
void Health::restart_next() {
  Watch* next = nullptr;
  for (auto& [id, watch] : watches_)
    if (!watch.facts.held.empty() && probed_instance({id, watch.run}) != nullptr &&
        (next == nullptr || watch.held_since < next->held_since))
      next = &watch;
  if (next == nullptr || !allowance_.take(Monotonic::now())) return;
  supervisor_.fail_run(next->run, model::Failing::unhealthy, std::exchange(next->facts.held, {}),
                       next->tracker.worked_for());
}

void Health::next_in_queue() {
  while (!queue_.empty() && running_.size() < model::limits::kMaxProbes) {
    const Asked asked = queue_.front();
    queue_.pop_front();
    probe(asked);
  }
}

}  // namespace roost::daemon
