// All states that the instance machine can reach, and everything that can happen in each of them.
// Counters, reasons and the tracker's memory are collapsed: what the tracker answers is given with
// the input instead, so the walk is finite and complete.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/model/instance_machine.h"

namespace roost::model::walk {

// Run ids of a collapsed state; kNext is the run that a step may spawn, kStranger one nobody knows.
inline constexpr RunId kPredecessor{1};
inline constexpr RunId kCurrent{2};
inline constexpr RunId kNext{3};
inline constexpr RunId kStranger{99};

// What the restart policy answers when it is asked; `done_*`: the app has finished and is not
// wanted again.
enum class Outcome { at_once, later, give_up, done_success, done_failure };
inline constexpr Outcome kOutcomes[] = {Outcome::at_once, Outcome::later, Outcome::give_up,
                                        Outcome::done_success, Outcome::done_failure};

struct Given {
  Input::Kind kind;
  RunId run{};
  Outcome outcome = Outcome::at_once;
  bool transient = false;
  bool held = false;  // what it depends on is not there
};

struct Edge {
  InstanceState before;
  Given given;
  Step step;
};

struct Walk {
  std::map<std::string, InstanceState> states;  // by name
  std::vector<Edge> edges;
};

// "online", "stopping, then up", "errored, wanted", "launching, predecessor online". Two collapsed
// states are the same state exactly when their names are equal.
[[nodiscard]] std::string name_of(const InstanceState& state);
// The name without the predecessor.
[[nodiscard]] std::string own_name_of(const InstanceState& state);
[[nodiscard]] std::string in_words(const Given& given);

[[nodiscard]] InstanceState collapse(InstanceState state);
// Everything that can happen: all inputs of users, the back-off timer, all facts about the current
// run, the predecessor and a stranger, each with every answer of the restart policy where that
// matters.
[[nodiscard]] std::vector<Given> everything(const InstanceState& state);
// Facts only: what happens by itself once users are silent.
[[nodiscard]] std::vector<Given> facts(const InstanceState& state);
[[nodiscard]] Step apply(InstanceState state, const Given& given);
// From an instance that was never started.
[[nodiscard]] Walk everywhere();

}  // namespace roost::model::walk
