#include "daemon/policies/memory_limits.h"

#include <algorithm>
#include <memory>

#include "core/base/bytes.h"
#include "core/model/limits.h"
#include "daemon/process/tree_signal.h"
#include "metrics/proc_reader.h"

namespace roost::daemon {
namespace {

using model::limits::kMaxTreeProcesses;
using model::limits::kMemoryLook;

constexpr int kSlowest = 5;  // doublings of kMemoryLook: once a minute

std::uint64_t resident_bytes(pid_t pid) {
  const auto statm = metrics::read_statm(pid);
  return statm ? statm->resident_pages * metrics::page_bytes() : 0;  // gone: takes none
}

}  // namespace

MemoryLimits::MemoryLimits(loop::Loop& loop, loop::Worker& worker, Supervisor& supervisor)
    : worker_(worker), supervisor_(supervisor), timer_(loop, [this] { look(); }) {}

void MemoryLimits::sync() {
  if (!stopped_ && !looking_ && !timer_.active() && !limited_runs().empty())
    timer_.start(kMemoryLook);
}

void MemoryLimits::stop() {
  stopped_ = true;
  timer_.cancel();
}

std::vector<MemoryLimits::Measured> MemoryLimits::limited_runs() const {
  std::vector<Measured> runs;
  for (const auto& [id, instance] : supervisor_.instances()) {
    if (!instance.spec->max_memory_restart) continue;
    const Run* run = supervisor_.current_run(instance);
    if (run == nullptr || !run->spawned || run->exit || instance.machine.current->asked) continue;
    runs.push_back({id, run->label.run, supervisor_.tree_root(*run), run->memory, 0});
  }
  return runs;
}

// Any thread. One walk of /proc serves all runs that have no lane.
void MemoryLimits::measure(std::vector<Measured>& all) {
  const std::int64_t asked = to_ns(Monotonic::now());
  for (Measured& one : all) {
    if (one.root.lane) {
      for (const pid_t pid : lane_pids(one.root.lane, kMaxTreeProcesses))
        one.bytes += resident_bytes(pid);
      continue;
    }
    const TreeSignal tree =
        signal_tree(one.root, 0, Resend::everyone, std::move(one.memory), asked);
    for (const ProcessId& id : tree.alive)
      one.bytes += resident_bytes(id.pid);
  }
}

void MemoryLimits::look() {
  auto all = std::make_shared<std::vector<Measured>>(limited_runs());
  if (all->empty()) return;  // sync() begins anew
  looking_ = worker_
                 .submit([all] { measure(*all); },
                         [this, all] {
                           looking_ = false;
                           if (!stopped_) judge(*all);
                           sync();
                         })
                 .has_value();
  if (!looking_) timer_.start(kMemoryLook);  // the worker has enough to do
}

bool MemoryLimits::is_time(const Instance& instance, const Run& run) {
  const TimePoint now = Monotonic::now();
  Pace& pace = pace_[instance.id];
  if (now < pace.next) return false;
  const bool quick = now - from_ns(run.label.started_ns) < model::RestartPolicy::kHealthyAfter;
  pace.quick = quick ? std::min(pace.quick + 1, kSlowest) : 0;
  pace.next = now + kMemoryLook * (1 << pace.quick);
  return true;
}

void MemoryLimits::judge(const std::vector<Measured>& all) {
  std::erase_if(pace_, [this](const auto& entry) { return !supervisor_.find(entry.first); });
  for (const Measured& one : all) {
    const Instance* instance = supervisor_.find(one.instance);
    if (instance == nullptr || !instance->machine.current ||
        instance->machine.current->id != one.run || instance->machine.current->asked)
      continue;
    const auto& limit = instance->spec->max_memory_restart;
    const Run* run = supervisor_.current_run(*instance);
    if (!limit || one.bytes <= *limit || run == nullptr || !is_time(*instance, *run)) continue;
    supervisor_.restart(one.instance,
                        "memory " + bytes_in_words(one.bytes) + " over " + bytes_in_words(*limit));
  }
}

}  // namespace roost::daemon
