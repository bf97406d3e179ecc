// What becomes of a job when a run of it ends: the restart policy and the machine together.
#include <doctest/doctest.h>

#include "core/model/instance_machine.h"
#include "core/model/readiness.h"

using namespace roost;
using namespace roost::model;
using Kind = Input::Kind;

namespace {

AppSpec job(std::uint32_t retries) {
  AppSpec spec;
  spec.name = "backup";
  spec.job = true;
  spec.retries = retries;
  return spec;
}

// A job with what happens to it.
struct Story {
  explicit Story(AppSpec what) : spec(std::move(what)) {}

  Step feed(Input input) {
    const StepContext context{.policy = restart_policy_of(spec),
                              .now = from_ns(1'000'000'000),
                              .next_run = RunId{++runs},
                              .jitter = 0.5,
                              .held = {}};
    Step step = model::step(state, input, context);
    state = step.next;
    CHECK(broken_invariant(state).empty());
    return step;
  }

  // The run that is there ends after `ran_for`.
  void ends(int code, Duration ran_for = 1h) {
    const RunId run = state.current->id;
    if (state.current->phase == Phase::spawning) feed({.kind = Kind::spawned, .run = run});
    feed({.kind = Kind::exited,
          .run = run,
          .status = {ExitKind::exited, code, 0, false},
          .ran_for = ran_for});
    feed({.kind = Kind::swept, .run = run});
  }

  AppSpec spec;
  InstanceState state;
  std::uint64_t runs = 0;
};

}  // namespace

TEST_CASE("job: enrolled, it rests and is wanted, and nothing has been started") {
  Story story(job(0));
  const Step step = story.feed({.kind = Kind::enrol});
  CHECK(step.effects.empty());
  CHECK(state_of(story.state) == State::stopped);
  CHECK(is_wanted(story.state));
  story.feed({.kind = Kind::stop});
  CHECK_FALSE(is_wanted(story.state));
}

TEST_CASE("job: after exit code 0 it rests, wanted, with no restart and no quick exit counted") {
  Story story(job(3));
  story.feed({.kind = Kind::enrol});
  for (int i = 0; i < 50; ++i) {
    story.feed({.kind = Kind::start});
    story.ends(0, 1ms);
    CHECK(state_of(story.state) == State::stopped);
    CHECK(is_wanted(story.state));
  }
  CHECK(story.state.restarts == 0);
  CHECK(story.state.quick_exits == 0);
  CHECK(story.state.reason == "exit code 0");
}

TEST_CASE("job: a failure is final without retries, until it is started again") {
  Story story(job(0));
  story.feed({.kind = Kind::start});
  story.ends(3);
  CHECK(state_of(story.state) == State::errored);
  CHECK(story.state.reason == "exit code 3");
  CHECK(is_wanted(story.state));
  story.feed({.kind = Kind::start});
  story.ends(0);
  CHECK(state_of(story.state) == State::stopped);
}

TEST_CASE(
    "job: is tried again as often as it may, however long its runs take, and then has failed") {
  Story story(job(2));
  for (int round = 0; round < 2; ++round) {
    story.feed({.kind = Kind::start});
    story.ends(3);
    CHECK(state_of(story.state) == State::waiting);
    CHECK(story.state.reason == "exit code 3; retry 1 of 2; next try in 100ms");
    story.feed({.kind = Kind::backoff_timer});
    story.ends(3);
    CHECK(story.state.reason == "exit code 3; retry 2 of 2; next try in 200ms");
    story.feed({.kind = Kind::backoff_timer});
    story.ends(3);
    CHECK(state_of(story.state) == State::errored);
    CHECK(story.state.reason == "exit code 3; the last of 3 tries");
  }
}

TEST_CASE("job: the waits between tries are those that were asked for") {
  Story fixed(job(2));
  fixed.spec.restart_delay = 7s;
  fixed.feed({.kind = Kind::start});
  fixed.ends(3);
  CHECK(fixed.state.backoff == 7s);
  Story doubling(job(3));
  doubling.spec.exp_backoff_restart_delay = 2s;
  doubling.feed({.kind = Kind::start});
  doubling.ends(3);
  CHECK(doubling.state.backoff == 2s);
  doubling.feed({.kind = Kind::backoff_timer});
  doubling.ends(3);
  CHECK(doubling.state.backoff == 4s);
}

TEST_CASE("job: an exit code of stop_exit_codes is a good end") {
  Story story(job(0));
  story.spec.stop_exit_codes = {24};
  story.feed({.kind = Kind::start});
  story.ends(24);
  CHECK(state_of(story.state) == State::stopped);
  CHECK(is_wanted(story.state));
}

TEST_CASE("job: a run that takes too long has failed, whatever its exit code") {
  Story story(job(1));
  story.spec.job_timeout = 10min;
  story.feed({.kind = Kind::start});
  const RunId run = story.state.current->id;
  story.feed({.kind = Kind::spawned, .run = run});
  const Step step = story.feed({.kind = Kind::fail,
                                .run = run,
                                .ran_for = 10min,
                                .error = in_words(Failing::overtime, story.spec)});
  CHECK(step.effects == std::vector<Effect>{{Effect::Kind::signal_stop, run}});
  story.ends(0);
  CHECK(state_of(story.state) == State::waiting);
  CHECK(story.state.reason == "not done within 600s; retry 1 of 1; next try in 100ms");
}

TEST_CASE("job: one that is being stopped can be enrolled again") {
  Story story(job(0));
  story.feed({.kind = Kind::start});
  story.feed({.kind = Kind::spawned, .run = story.state.current->id});
  story.feed({.kind = Kind::stop});
  story.feed({.kind = Kind::enrol});
  story.ends(0);
  CHECK(state_of(story.state) == State::stopped);
  CHECK(is_wanted(story.state));
}
