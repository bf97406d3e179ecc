// One instance told as a story: what happens to it, and what the machine makes of it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/model/instance_machine.h"

namespace roost::model::story {

using Kind = Input::Kind;

inline const ExitStatus kCode0{ExitKind::exited, 0, 0, false};
inline const ExitStatus kCode3{ExitKind::exited, 3, 0, false};
inline const ExitStatus kSegv{ExitKind::signaled, 0, 11, true};

constexpr Effect spawn(std::uint64_t run) {
  return {Effect::Kind::spawn, RunId{run}};
}

constexpr Effect term(std::uint64_t run) {
  return {Effect::Kind::signal_stop, RunId{run}};
}

constexpr Effect kill(std::uint64_t run) {
  return {Effect::Kind::signal_kill, RunId{run}};
}

constexpr Effect sweep(std::uint64_t run) {
  return {Effect::Kind::sweep, RunId{run}};
}

inline RestartPolicy without_autorestart() {
  RestartPolicy policy;
  policy.restart = RestartWhen::never;
  return policy;
}

// One instance, its clock, and what the last input asked for. Runs are numbered 1, 2, 3….
class Story {
 public:
  explicit Story(RestartPolicy policy = {}) : policy_(policy) {}

  Story& feed(Input input) {
    Step step =
        model::step(state, input, {.policy = policy_, .now = now_, .next_run = RunId{next_}});
    state = std::move(step.next);
    effects = std::move(step.effects);
    ignored = step.ignored;
    for (const Effect& effect : effects)
      if (effect.kind == Effect::Kind::spawn) ++next_;
    CHECK(broken_invariant(state) == "");
    return *this;
  }

  // It was seen to work for so long, and does not any more.
  Story& break_down(std::uint64_t run, Duration worked_for = 0s) {
    return feed({.kind = Kind::fail,
                 .run = RunId{run},
                 .ran_for = worked_for,
                 .error = "not ready within 3s"});
  }

  Story& ask(Kind kind) { return feed({.kind = kind}); }

  Story& tell(Kind kind, std::uint64_t run) { return feed({.kind = kind, .run = RunId{run}}); }

  Story& exit(std::uint64_t run, ExitStatus status, Duration ran_for = 0s) {
    now_ += ran_for;
    return feed({.kind = Kind::exited, .run = RunId{run}, .status = status, .ran_for = ran_for});
  }

  // The run dies and leaves nothing behind.
  Story& die(std::uint64_t run, ExitStatus status, Duration ran_for = 0s) {
    return exit(run, status, ran_for).tell(Kind::swept, run);
  }

  Story& fail(std::uint64_t run, bool transient = false) {
    return feed({.kind = Kind::spawn_failed,
                 .run = RunId{run},
                 .error = "exec '/srv/app': no such file",
                 .transient = transient});
  }

  // Started and proved.
  Story& up() { return ask(Kind::start).tell(Kind::spawned, 1).tell(Kind::ready, 1); }

  [[nodiscard]] State shown() const { return state_of(state); }

  InstanceState state;
  std::vector<Effect> effects;
  bool ignored = false;

 private:
  RestartPolicy policy_;
  std::uint64_t next_ = 1;
  TimePoint now_ = from_ns(1'000'000'000'000);
};

using Effects = std::vector<Effect>;

}  // namespace roost::model::story
