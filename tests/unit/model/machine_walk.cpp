#include "tests/unit/model/machine_walk.h"

#include <deque>
#include <utility>

namespace roost::model::walk {
namespace {

using Kind = Input::Kind;

const char* word(Phase phase) {
  switch (phase) {
    case Phase::spawning:
      return "spawning";
    case Phase::launching:
      return "launching";
    case Phase::online:
      return "online";
    case Phase::stopping:
      return "stopping";
    case Phase::killing:
      return "killing";
    case Phase::sweeping:
      return "sweeping";
  }
  return "?";
}

const char* word(Rest rest) {
  switch (rest) {
    case Rest::stopped:
      return "stopped";
    case Rest::waiting:
      return "waiting";
    case Rest::errored:
      return "errored";
    case Rest::held:
      return "held";
  }
  return "?";
}

const char* word(Kind kind) {
  switch (kind) {
    case Kind::start:
      return "start";
    case Kind::stop:
      return "stop";
    case Kind::restart:
      return "restart";
    case Kind::replace:
      return "replace";
    case Kind::enrol:
      return "enrol";
    case Kind::backoff_timer:
      return "back-off over";
    case Kind::released:
      return "released";
    case Kind::spawned:
      return "spawned";
    case Kind::spawn_failed:
      return "spawn failed";
    case Kind::ready:
      return "ready";
    case Kind::fail:
      return "fails";
    case Kind::kill_timer:
      return "kill timer";
    case Kind::exited:
      return "exited";
    case Kind::swept:
      return "swept";
  }
  return "?";
}

RestartPolicy policy_answering(Outcome outcome) {
  RestartPolicy policy;
  switch (outcome) {
    case Outcome::at_once:
      break;
    case Outcome::later:
      policy.restart_delay = 5s;
      break;
    case Outcome::give_up:
      policy.max_restarts = 0;
      break;
    case Outcome::done_success:
    case Outcome::done_failure:
      policy.restart = RestartWhen::never;
      break;
  }
  return policy;
}

void add_facts_about(RunId run, std::vector<Given>& out) {
  for (const Kind kind : {Kind::spawned, Kind::ready, Kind::fail, Kind::kill_timer, Kind::exited})
    out.push_back({.kind = kind, .run = run});
  out.push_back({.kind = Kind::spawn_failed, .run = run, .transient = true});
  for (const Kind kind : {Kind::spawn_failed, Kind::swept})
    out.push_back({.kind = kind, .run = run, .held = true});
  for (const Outcome outcome : kOutcomes) {
    out.push_back({.kind = Kind::spawn_failed, .run = run, .outcome = outcome});
    out.push_back({.kind = Kind::swept, .run = run, .outcome = outcome});
  }
}

}  // namespace

std::string own_name_of(const InstanceState& state) {
  const bool up = state.desired == Desired::up;
  if (!state.current) {
    const bool usual = up == (state.rest == Rest::waiting || state.rest == Rest::held);
    return std::string(word(state.rest)) + (usual ? "" : up ? ", wanted" : ", not wanted");
  }
  const std::string phase = word(state.current->phase);
  if (state.current->failed) return phase + ", failed";
  if (state.current->asked) return phase + (up ? ", then up" : ", then down");
  return phase + (up ? "" : ", not wanted");
}

std::string name_of(const InstanceState& state) {
  if (!state.retiring) return own_name_of(state);
  const RunMachine& run = *state.retiring;
  // Only in these two it says something new: a serving one is never asked, an ending one always.
  const char* how = run.phase == Phase::sweeping ? (run.asked ? " (asked)" : " (by itself)")
                    : run.asked == (run.phase != Phase::online) ? ""
                                                                : " (?)";
  return own_name_of(state) + ", predecessor " + word(run.phase) + how;
}

std::string in_words(const Given& given) {
  std::string text = word(given.kind);
  if (given.run == kCurrent) text += " of current";
  if (given.run == kPredecessor) text += " of predecessor";
  if (given.run == kStranger) text += " of stranger";
  if (given.transient) text += ", transient";
  if (given.held) text += ", held";
  return text + ", policy answer " + std::to_string(static_cast<int>(given.outcome));
}

InstanceState collapse(InstanceState state) {
  InstanceState out;
  out.desired = state.desired;
  out.current = state.current;
  out.retiring = state.retiring;
  if (!out.current) out.rest = state.rest;
  if (out.current) out.current->id = kCurrent;
  if (out.retiring) out.retiring->id = kPredecessor;
  return out;
}

std::vector<Given> facts(const InstanceState& state) {
  std::vector<Given> out{{.kind = Kind::backoff_timer}, {.kind = Kind::released}};
  if (state.current) add_facts_about(kCurrent, out);
  if (state.retiring) add_facts_about(kPredecessor, out);
  add_facts_about(kStranger, out);
  return out;
}

std::vector<Given> everything(const InstanceState& state) {
  std::vector<Given> out{{.kind = Kind::start},
                         {.kind = Kind::stop},
                         {.kind = Kind::restart},
                         {.kind = Kind::replace},
                         {.kind = Kind::enrol}};
  for (const Kind kind : {Kind::start, Kind::restart, Kind::replace})
    out.push_back({.kind = kind, .held = true});
  for (const Given& given : facts(state))
    out.push_back(given);
  return out;
}

Step apply(InstanceState state, const Given& given) {
  const int code = given.outcome == Outcome::done_success ? 0 : 3;
  const ExitStatus status{ExitKind::exited, code, 0, false};
  state.pending_exit = status;
  const Input input{.kind = given.kind,
                    .run = given.run,
                    .status = status,
                    .error = given.kind == Kind::spawn_failed ? "no such file" : "",
                    .transient = given.transient};
  return step(state, input,
              {.policy = policy_answering(given.outcome),
               .now = from_ns(1'000'000'000'000),
               .next_run = kNext,
               .held = given.held ? "waiting for db: launching" : ""});
}

Walk everywhere() {
  Walk walk;
  std::deque<InstanceState> todo{InstanceState{}};
  walk.states.emplace(name_of(todo.front()), todo.front());
  while (!todo.empty()) {
    const InstanceState state = std::move(todo.front());
    todo.pop_front();
    for (const Given& given : everything(state)) {
      Step step = apply(state, given);
      InstanceState next = collapse(step.next);
      if (walk.states.emplace(name_of(next), next).second) todo.push_back(std::move(next));
      walk.edges.push_back({state, given, std::move(step)});
    }
  }
  return walk;
}

}  // namespace roost::model::walk
