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
std::optional<StartFact> start_fact(const Event& event, const model::AppSpec& spec) {
  switch (event.kind) {
    case Event::Kind::online: return StartFact{true, event.run, {}};
    case Event::Kind::spawn_failed: return StartFact{false, event.run, event.reason};
    case Event::Kind::run_over: {
      if (event.asked) return std::nullopt;  // the predecessor
      const bool finished = !spec.autorestart && model::is_success(event.status);
      return StartFact{finished, event.run, model::describe(event.status) + " after " + model::in_words(event.ran_for)};
    }
    case Event::Kind::down: return StartFact{false, event.run, event.reason};
  }
  return std::nullopt;
}

}  // namespace

void Waits::until_started(const std::vector<InstanceId>& ids, Started done) {
  if (ids.empty()) return done({});
  auto pending = std::make_shared<Pending<StartFact>>();
  pending->open = {ids.begin(), ids.end()};
  pending->done = std::move(done);
  pending->token = bus_.subscribe([this, pending](const Event& event) {
    if (!pending->open.contains(event.instance)) return;
    const Instance* instance = supervisor_.find(event.instance);
    const auto fact = instance == nullptr ? StartFact{false, event.run, "deleted"} : start_fact(event, *instance->spec);
    if (!fact) return;
    pending->facts[event.instance] = *fact;
    pending->settle(bus_, event.instance);
  });
}

void Waits::until_down(const std::vector<InstanceId>& ids, Down done) {
  auto pending = std::make_shared<Pending<DownFact>>();
  pending->done = std::move(done);
  for (InstanceId id : ids) {
    const Instance* instance = supervisor_.find(id);
    if (instance != nullptr && instance->machine.current) pending->open.insert(id);
  }
  if (pending->open.empty()) return pending->done({});
  pending->token = bus_.subscribe([this, pending](const Event& event) {
    if (!pending->open.contains(event.instance)) return;
    if (event.kind == Event::Kind::run_over) {
      pending->facts[event.instance].processes += event.processes;
      pending->facts[event.instance].killed += event.killed;
    }
    const Instance* instance = supervisor_.find(event.instance);
    if (instance == nullptr || (!instance->machine.current && event.kind == Event::Kind::run_over))
      pending->settle(bus_, event.instance);
    else if (event.kind == Event::Kind::down && !instance->machine.current && pending->facts.contains(event.instance))
      pending->settle(bus_, event.instance);
    else if (event.kind == Event::Kind::spawn_failed && !instance->machine.current)
      pending->settle(bus_, event.instance);
  });
}

}  // namespace roost::daemon
