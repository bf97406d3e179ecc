// Every state the machine can reach, with everything that can happen in it.
#include <algorithm>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/model/machine_walk.h"

using namespace roost;
using namespace roost::model;
using namespace roost::model::walk;
using Kind = Input::Kind;

namespace {

// A change of the machine changes these on purpose, or not at all.
constexpr std::size_t kStates = 105;
constexpr std::size_t kEdges = 5910;
// Spawned, then kill timer, exited, swept of two runs.
constexpr int kLongestEnd = 7;

const Walk& all() {
  static const Walk walk = everywhere();
  return walk;
}

std::string at(const Edge& edge) {
  return "in '" + name_of(edge.before) + "' on '" + in_words(edge.given) + "' → '" +
         name_of(collapse(edge.step.next)) + "'";
}

bool alive(const std::optional<RunMachine>& run) {
  return run && has_process(*run);
}

bool has_effect(const Step& step, Effect::Kind kind) {
  return std::any_of(step.effects.begin(), step.effects.end(),
                     [kind](const Effect& e) { return e.kind == kind; });
}

const RunMachine* find(const InstanceState& state, RunId run) {
  if (state.current && state.current->id == run) return &*state.current;
  if (state.retiring && state.retiring->id == run) return &*state.retiring;
  return nullptr;
}

bool same(const InstanceState& a, const InstanceState& b) {
  return name_of(a) == name_of(b) && a.current == b.current && a.retiring == b.retiring &&
         a.restarts == b.restarts && a.quick_exits == b.quick_exits && a.reason == b.reason;
}

// The longest way in which what happens by itself can go on from here; every end of it must be
// without a process. Fails at `left` steps: then there is a circle.
int longest_end(const InstanceState& state, int left) {
  REQUIRE_MESSAGE(left >= 0, "does not come to an end: " << name_of(state));
  int longest = 0;
  bool moved = false;
  for (const Given& given : facts(state)) {
    const Step step = apply(state, given);
    CHECK_MESSAGE(!has_effect(step, Effect::Kind::spawn),
                  "after stop, '" << in_words(given) << "' starts something in " << name_of(state));
    const InstanceState next = collapse(step.next);
    if (name_of(next) == name_of(state)) continue;
    moved = true;
    longest = std::max(longest, 1 + longest_end(next, left - 1));
  }
  if (!moved) {
    CHECK_MESSAGE(!state.current, "stuck with a run after stop: " << name_of(state));
    CHECK_MESSAGE(!state.retiring, "stuck with a predecessor after stop: " << name_of(state));
  }
  return longest;
}

}  // namespace

TEST_CASE("instance machine: the reachable states are these many") {
  std::string names;
  for (const auto& [name, state] : all().states)
    names += "\n  " + name;
  MESSAGE(all().states.size() << " states, " << all().edges.size() << " edges");
  CHECK_MESSAGE(all().states.size() == kStates, "the states are now:" << names);
  CHECK(all().edges.size() == kEdges);
}

TEST_CASE("instance machine: no step breaks an invariant") {
  for (const Edge& edge : all().edges) {
    CHECK_MESSAGE(broken_invariant(edge.step.next).empty(), broken_invariant(edge.step.next)
                                                                << ": " << at(edge));
  }
}

TEST_CASE("instance machine: a run is spawned only when the current one has no process") {
  for (const Edge& edge : all().edges) {
    if (!has_effect(edge.step, Effect::Kind::spawn)) continue;
    const InstanceState& next = edge.step.next;
    REQUIRE_MESSAGE(next.current.has_value(), at(edge));
    CHECK_MESSAGE(next.current->id == kNext, at(edge));
    CHECK_MESSAGE(next.current->phase == Phase::spawning, at(edge));
    const bool over = !alive(edge.before.current) || edge.given.kind == Kind::spawn_failed;
    const bool retired =
        next.retiring && edge.before.current && next.retiring->id == edge.before.current->id;
    CHECK_MESSAGE((over || retired), at(edge));
  }
}

TEST_CASE("instance machine: a run with a process is never forgotten") {
  for (const Edge& edge : all().edges) {
    for (const auto& run : {edge.before.current, edge.before.retiring}) {
      if (!alive(run) || (edge.given.kind == Kind::spawn_failed && edge.given.run == run->id))
        continue;
      CHECK_MESSAGE(find(edge.step.next, run->id) != nullptr, at(edge));
    }
  }
}

TEST_CASE("instance machine: an effect names a known run in the phase it is for, once") {
  for (const Edge& edge : all().edges) {
    std::set<std::uint64_t> named;
    for (const Effect& effect : edge.step.effects) {
      const RunMachine* run = find(edge.step.next, effect.run);
      REQUIRE_MESSAGE(run != nullptr, at(edge));
      CHECK_MESSAGE(named.insert(raw(effect.run)).second, at(edge));
      switch (effect.kind) {
        case Effect::Kind::spawn:
          CHECK_MESSAGE(run->phase == Phase::spawning, at(edge));
          break;
        case Effect::Kind::signal_stop:
          CHECK_MESSAGE(run->phase == Phase::stopping, at(edge));
          break;
        case Effect::Kind::signal_kill:
          CHECK_MESSAGE(run->phase == Phase::killing, at(edge));
          break;
        case Effect::Kind::sweep:
          CHECK_MESSAGE(run->phase == Phase::sweeping, at(edge));
          break;
      }
    }
  }
}

TEST_CASE("instance machine: a timer does something exactly where timer_of names it") {
  for (const Edge& edge : all().edges) {
    const RunMachine* run = find(edge.before, edge.given.run);
    const auto armed = run == nullptr ? std::nullopt : timer_of(*run);
    const bool moved = !same(edge.before, edge.step.next);
    if (edge.given.kind == Kind::kill_timer)
      CHECK_MESSAGE(moved == (armed == TimerKind::kill), at(edge));
    if (edge.given.kind == Kind::ready)
      CHECK_MESSAGE(moved == (armed == TimerKind::ready), at(edge));
    const bool rests = !edge.before.current;
    if (edge.given.kind == Kind::backoff_timer)
      CHECK_MESSAGE(moved == (rests && edge.before.rest == Rest::waiting), at(edge));
    if (edge.given.kind == Kind::released)
      CHECK_MESSAGE(moved == (rests && edge.before.rest == Rest::held), at(edge));
  }
}

TEST_CASE("instance machine: an ignored input changes nothing and asks for nothing") {
  for (const Edge& edge : all().edges) {
    if (!edge.step.ignored) continue;
    CHECK_MESSAGE(same(edge.before, edge.step.next), at(edge));
    CHECK_MESSAGE(edge.before.desired == edge.step.next.desired, at(edge));
    CHECK_MESSAGE(edge.step.effects.empty(), at(edge));
  }
}

TEST_CASE("instance machine: what concerns an unknown run is always ignored") {
  for (const Edge& edge : all().edges)
    if (edge.given.run == kStranger) CHECK_MESSAGE(edge.step.ignored, at(edge));
}

TEST_CASE("instance machine: the user is never told that nothing runs while a process lives") {
  for (const auto& [name, state] : all().states) {
    const State shown = state_of(state);
    if (alive(state.current))
      CHECK_MESSAGE(
          (shown == State::launching || shown == State::online || shown == State::stopping), name);
    if (shown == State::stopped || shown == State::errored)
      CHECK_MESSAGE(!alive(state.retiring), name);
  }
}

TEST_CASE("instance machine: replace never ends a run that serves") {
  for (const Edge& edge : all().edges) {
    if (edge.given.kind != Kind::replace) continue;
    for (const auto& run : {edge.before.current, edge.before.retiring}) {
      if (!run || run->phase != Phase::online) continue;
      const RunMachine* still = find(edge.step.next, run->id);
      CHECK_MESSAGE((still != nullptr && still->phase == Phase::online), at(edge));
    }
  }
}

TEST_CASE("instance machine: after stop nothing is started and everything ends in few steps") {
  int longest = 0;
  for (const auto& [name, state] : all().states) {
    const Step stopped = apply(state, {.kind = Kind::stop});
    CHECK_MESSAGE(!has_effect(stopped, Effect::Kind::spawn), name);
    longest = std::max(longest, longest_end(collapse(stopped.next), kLongestEnd));
  }
  CHECK(longest == kLongestEnd);
}
