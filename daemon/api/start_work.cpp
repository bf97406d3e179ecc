#include "daemon/api/start_work.h"

#include "daemon/api/view.h"

namespace roost::daemon {

namespace limits = model::limits;
using ipc::StartOutcome;
using ipc::StartReply;
using model::InstanceId;

namespace {

StartOutcome* outcome_of(StartWork& work, InstanceId id) {
  for (StartOutcome& outcome : work.reply.outcomes)
    if (outcome.instance.id == raw(id)) return &outcome;
  return nullptr;
}

void settle(const StartWorkPtr& work, InstanceId id, const StartFact& fact) {
  StartOutcome* outcome = outcome_of(*work, id);
  if (outcome == nullptr) return;
  const Instance* instance = work->services.supervisor.find(id);
  if (instance != nullptr) outcome->instance = view_of(work->services, *instance);
  outcome->ok = fact.ok;
  if (fact.ok) return;
  outcome->error = fact.error;
  ++work->open;
  const bool one_stream = instance != nullptr && instance->spec->tty;
  const auto stream = one_stream ? model::Stream::out : model::Stream::err;
  work->services.pump.tail(fact.run, stream, limits::kStderrTailLines, limits::kStderrTailBytes,
                           [work, id](std::string text) {
                             if (StartOutcome* at = outcome_of(*work, id))
                               at->stderr_tail = std::move(text);
                             work->done_one();
                           });
}

// Which app is held until this job is done; empty: none.
std::string waiting_for(const StartWork& work, const Instance& job) {
  for (const auto& [id, instance] : work.services.supervisor.instances())
    if (is_held(instance) && instance.spec->depends_on.contains(job.spec->name))
      return instance.spec->name;
  return {};
}

// An app that starts without a limit it should have.
void tell_unlimited(StartWork& work, const model::AppSpec& spec) {
  const std::string why = work.services.supervisor.memory_problem(spec);
  if (why.empty()) return;
  const std::string words = "memory_max of '" + spec.name + "' is not held here: " + why;
  std::string& note = work.reply.note;
  if (note.find(words) == std::string::npos) note += (note.empty() ? "" : "\n") + words;
}

void report_carried_out(StartWork& work, const Instance& instance) {
  StartOutcome outcome;
  outcome.instance = view_of(work.services, instance);
  outcome.ok = instance.machine.rest != model::Rest::errored;
  if (!outcome.ok) outcome.error = instance.machine.reason;
  if (instance.machine.reason == model::kStoppedByRequest) outcome.rests_as = ipc::RestsAs::left;
  work.reply.outcomes.push_back(std::move(outcome));
}

}  // namespace

bool was_carried_out(const StartWork& work, const Instance& instance) {
  const model::InstanceState& m = instance.machine;
  const bool over = !m.current && (instance.spec->job || m.desired == model::Desired::down);
  return work.first_sent != 0 && over && m.rest != model::Rest::waiting && !is_held(instance) &&
         instance.last_exit_ms >= work.first_sent;
}

StartWorkPtr begin_start(Services& services, std::function<void(Result<StartReply>)> finish) {
  return std::make_shared<StartWork>(StartWork{services, std::move(finish)});
}

void wait_for(const StartWorkPtr& work, const std::vector<InstanceId>& ids, bool wait) {
  if (!wait) {
    for (InstanceId id : ids)
      if (StartOutcome* outcome = outcome_of(*work, id)) {
        outcome->instance = view_of(work->services, *work->services.supervisor.find(id));
        outcome->ok = true;
      }
    return;
  }
  ++work->open;
  work->services.waits.until_started(ids, [work](std::map<InstanceId, StartFact> facts) {
    for (const auto& [id, fact] : facts)
      settle(work, id, fact);
    work->done_one();
  });
}

bool is_only_enrolled(const StartWork& work, const Instance& instance) {
  return instance.spec->job && !work.jobs.contains(instance.id);
}

void enrol(const StartWorkPtr& work, InstanceId id) {
  Services& services = work->services;
  services.dependencies.keep({id});
  services.supervisor.bring_up(id);
  StartOutcome outcome;
  outcome.instance = view_of(services, *services.supervisor.find(id));
  outcome.scheduled = true;
  outcome.already_running = outcome.instance.pid != 0;
  outcome.ok = true;
  work->reply.outcomes.push_back(std::move(outcome));
  ++work->open;
  services.policies.when_known(id, [work, id] {
    StartOutcome* at = outcome_of(*work, id);
    const Instance* instance = work->services.supervisor.find(id);
    if (at != nullptr && instance != nullptr) {
      at->instance = view_of(work->services, *instance);
      at->needed_by = waiting_for(*work, *instance);
    }
    work->done_one();
  });
}

void report_as_they_are(StartWork& work, const std::vector<InstanceId>& ids, ipc::RestsAs as) {
  for (InstanceId id : ids) {
    const Instance* instance = work.services.supervisor.find(id);
    if (instance == nullptr) continue;  // deleted meanwhile
    StartOutcome outcome;
    outcome.instance = view_of(work.services, *instance);
    outcome.ok = true;
    outcome.rests_as = as;
    outcome.already_running = as == ipc::RestsAs::left && outcome.instance.pid != 0;
    work.reply.outcomes.push_back(std::move(outcome));
  }
}

void start_existing(const StartWorkPtr& work, const std::vector<InstanceId>& ids, bool wait) {
  Services& services = work->services;
  std::vector<InstanceId> started;
  for (InstanceId id : ids) {
    const Instance& instance = *services.supervisor.find(id);
    if (is_only_enrolled(*work, instance)) {
      enrol(work, id);
      continue;
    }
    if (was_carried_out(*work, instance)) {
      report_carried_out(*work, instance);
      continue;
    }
    const auto& current = instance.machine.current;
    const bool running = current && !current->asked && model::has_process(*current);
    StartOutcome outcome;
    outcome.instance = view_of(services, instance);
    outcome.already_running = running && current->phase == model::Phase::online;
    outcome.ok = outcome.already_running;
    work->reply.outcomes.push_back(std::move(outcome));
    if (work->reply.outcomes.back().already_running) continue;
    started.push_back(id);
  }
  for (InstanceId id : started)
    tell_unlimited(*work, *services.supervisor.find(id)->spec);
  services.dependencies.keep(started);
  for (InstanceId id : started) {
    const model::InstanceState& m = services.supervisor.find(id)->machine;
    const bool is_tried = !m.current && m.rest == model::Rest::waiting;
    if (work->first_sent == 0 || !is_tried) services.supervisor.start(id);
  }
  wait_for(work, started, wait);
}

Supervisor::Committed on_disk(const StartWorkPtr& work) {
  ++work->open;
  return [work](Status saved) {
    if (!saved)
      work->failed = std::move(saved).error().context("the app runs, but could not be saved");
    work->done_one();
  };
}

std::vector<InstanceId> submitted(
    const StartWorkPtr& work,
    const std::function<Result<std::vector<InstanceId>>(Supervisor::Committed)>& submit) {
  auto ids = submit(on_disk(work));
  if (ids) return std::move(*ids);
  --work->open;  // nothing will be written
  work->failed = ids.error();
  return {};
}

}  // namespace roost::daemon
