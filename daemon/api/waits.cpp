#include "daemon/api/waits.h"

#include <set>

#include "core/model/restart_policy.h"

namespace roost::daemon {

using model::InstanceId;

namespace {

// One wait under way: which instances are still open, and what is known of the others.
template <class Fact>
struct Pending {
  std::set<InstanceId> open;
  std::map<InstanceId, Fact> facts;
  std::function<void(std::map<InstanceId, Fact>)> done;
  Bus::Token token = 0;

  void settle(Bus& bus, InstanceId id) {
    if (open.erase(id) == 0 || !open.empty()) return;
    bus.unsubscribe(token);
    done(std::move(facts));
  }
};

// Whether this event tells how the start of an instance went.
std::optional<StartFact> start_fact(const Event& event, const Instance* instance) {
  if (instance == nullptr) return StartFact{false, event.run, "deleted"};
  switch (event.kind) {
    case Event::Kind::online:
      return StartFact{true, event.run, {}};
    case Event::Kind::spawn_failed:
      return StartFact{false, event.run, event.reason};
    case Event::Kind::held:
      if (event.failure.empty()) return std::nullopt;
      return StartFact{false, event.run, event.failure};
    case Event::Kind::run_over:
      break;
    case Event::Kind::stopped:
      return StartFact{false, event.run, "stopped before it was online"};
    case Event::Kind::added:
    case Event::Kind::enrolled:
    case Event::Kind::started:
    case Event::Kind::deleted:
      return std::nullopt;
  }
  const bool goes_on = instance->machine.current || instance->machine.desired == model::Desired::up;
  if (event.asked && goes_on) return std::nullopt;  // the predecessor; the next one may be held
  if (event.asked) return StartFact{false, event.run, "stopped before it was online"};
  if (!event.failure.empty()) return StartFact{false, event.run, event.failure};
  const model::RestartPolicy policy = model::restart_policy_of(*instance->spec);
  const bool finished = model::is_finished(event.status, policy.restart, policy.stop_exit_codes);
  return StartFact{finished, event.run,
                   model::describe(event.status) + " after " + model::in_words(event.ran_for)};
}

}  // namespace

void Waits::until_started(const std::vector<InstanceId>& ids, Started done) {
  if (ids.empty()) return done({});
  auto pending = std::make_shared<Pending<StartFact>>();
  pending->open = {ids.begin(), ids.end()};
  pending->done = std::move(done);
  pending->token = bus_.subscribe([this, pending](const Event& event) {
    if (!pending->open.contains(event.instance)) return;
    const auto fact = start_fact(event, supervisor_.find(event.instance));
    if (!fact) return;
    pending->facts[event.instance] = *fact;
    pending->settle(bus_, event.instance);
  });
}

// Bound to the runs of this moment: one that is started meanwhile is not waited for.
void Waits::until_down(const std::vector<InstanceId>& ids, Down done) {
  auto pending = std::make_shared<Pending<DownFact>>();
  pending->done = std::move(done);
  std::map<InstanceId, model::RunId> runs;
  for (InstanceId id : ids) {
    const Instance* instance = supervisor_.find(id);
    if (instance == nullptr || !instance->machine.current) continue;
    pending->open.insert(id);
    runs[id] = instance->machine.current->id;
  }
  if (pending->open.empty()) return pending->done({});
  pending->token = bus_.subscribe([this, pending, runs = std::move(runs)](const Event& event) {
    const auto run = runs.find(event.instance);
    const bool over =
        event.kind == Event::Kind::run_over || event.kind == Event::Kind::spawn_failed;
    if (run == runs.end() || run->second != event.run || !over) return;
    pending->facts[event.instance] = {event.processes, event.killed};
    pending->settle(bus_, event.instance);
  });
}

}  // namespace roost::daemon
