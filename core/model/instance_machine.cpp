#include "core/model/instance_machine.h"

#include <utility>

namespace roost::model {
namespace {

using Kind = Input::Kind;

// One step in progress: the state being changed and the effects it asks for.
class Stepper {
 public:
  Stepper(const InstanceState& state, const Input& input, const StepContext& context)
      : s_(state), in_(input), ctx_(context) {}

  Step run() {
    dispatch();
    return Step{std::move(s_), std::move(effects_), ignored_};
  }

 private:
  void dispatch() {
    switch (in_.kind) {
      case Kind::start:
        return on_start();
      case Kind::stop:
        return on_stop();
      case Kind::restart:
        return on_restart();
      case Kind::replace:
        return on_replace();
      case Kind::enrol:
        return on_enrol();
      case Kind::backoff_timer:
        return on_backoff();
      case Kind::released:
        return on_released();
      case Kind::spawned:
      case Kind::spawn_failed:
      case Kind::ready:
      case Kind::fail:
      case Kind::kill_timer:
      case Kind::exited:
      case Kind::swept:
        return on_run_input();
    }
  }

  void effect(Effect::Kind kind, RunId run) { effects_.push_back({kind, run}); }

  // ---- what users ask for
  // A run that is dead already does not count as running: the policy is not asked for the next one.
  void on_start() {
    s_.desired = Desired::up;
    if (!s_.current) return fresh_start();
    if (s_.current->phase == Phase::sweeping && !predecessor_serves()) end(*s_.current);
  }

  void on_stop() {
    s_.desired = Desired::down;
    s_.finished = false;
    s_.asked_why.clear();
    if (s_.retiring) end(*s_.retiring);
    if (s_.current) return end(*s_.current);
    rest(Rest::stopped, s_.rest == Rest::stopped ? s_.reason : std::string(kStoppedByRequest));
  }

  void on_restart() {
    s_.desired = Desired::up;
    s_.asked_why = in_.error;
    if (s_.retiring) end(*s_.retiring);
    if (s_.current) return end(*s_.current);
    s_.tracker.reset();
    begin(s_.asked_why);
  }

  void on_replace() {
    const bool serving = s_.current && s_.current->phase == Phase::online;
    if (serving && s_.retiring) return ignore();  // a third run would be needed
    s_.desired = Desired::up;
    if (s_.current && predecessor_serves()) return end(*s_.current);
    if (!serving) return on_restart();
    s_.retiring = std::exchange(s_.current, std::nullopt);
    ++s_.restarts;
    spawn();
  }

  // A job between two runs looks as if it had just been done. One that is being stopped is enrolled
  // all the same.
  void on_enrol() {
    if (s_.desired == Desired::up || s_.finished) return;
    s_.finished = true;
    if (!s_.current) rest(Rest::stopped, {});
  }

  void on_backoff() {
    if (s_.current || s_.rest != Rest::waiting) return ignore();
    spawn();
  }

  void on_released() {
    if (s_.current || s_.rest != Rest::held) return ignore();
    spawn();
  }

  // ---- facts about runs
  void on_run_input() {
    if (s_.current && s_.current->id == in_.run) return on_current(*s_.current);
    if (s_.retiring && s_.retiring->id == in_.run) return on_retiring(*s_.retiring);
    ignore();
  }

  void on_current(RunMachine& run) {
    switch (in_.kind) {
      case Kind::spawned:
        return on_spawned(run);
      case Kind::spawn_failed:
        return on_spawn_failed(run);
      case Kind::ready:
        return on_ready(run);
      case Kind::fail:
        return on_fail(run);
      case Kind::kill_timer:
        return on_kill_timer(run);
      case Kind::exited:
        return on_exited(run);
      case Kind::swept:
        return run.phase == Phase::sweeping ? conclude(run) : ignore();
      default:
        return ignore();
    }
  }

  void on_retiring(RunMachine& run) {
    if (in_.kind == Kind::kill_timer) return on_kill_timer(run);
    if (in_.kind == Kind::exited && run.phase != Phase::sweeping) {
      run.phase = Phase::sweeping;
      return effect(Effect::Kind::sweep, run.id);
    }
    if (in_.kind == Kind::swept && run.phase == Phase::sweeping) return s_.retiring.reset();
    ignore();
  }

  void on_spawned(RunMachine& run) {
    if (run.phase != Phase::spawning) return ignore();
    run.phase = Phase::launching;
    s_.reason.clear();
    if (run.asked) signal_stop(run);
  }

  void on_spawn_failed(RunMachine& run) {
    if (run.phase != Phase::spawning) return ignore();
    s_.pending_exit = ExitStatus{};
    s_.pending_ran_for = 0s;
    if (in_.transient && !run.asked && !predecessor_serves()) {
      s_.current.reset();
      s_.backoff = kTransientRetry;
      return rest(Rest::waiting, in_.error + "; next try in 1s");
    }
    conclude(run);
  }

  void on_ready(RunMachine& run) {
    if (run.phase == Phase::stopping || run.phase == Phase::killing)
      return;  // too late, and harmless
    if (run.phase != Phase::launching) return ignore();
    run.phase = Phase::online;
    if (s_.retiring) end(*s_.retiring);
  }

  void on_fail(RunMachine& run) {
    if (run.phase != Phase::launching && run.phase != Phase::online) return ignore();
    run.failed = true;
    s_.failure = in_.error;
    s_.worked_for = in_.ran_for;
    s_.reason = in_.error;
    signal_stop(run);
  }

  void on_kill_timer(RunMachine& run) {
    if (run.phase != Phase::stopping) return ignore();
    run.phase = Phase::killing;
    effect(Effect::Kind::signal_kill, run.id);
  }

  void on_exited(RunMachine& run) {
    if (run.phase == Phase::spawning || run.phase == Phase::sweeping) return ignore();
    run.phase = Phase::sweeping;
    s_.pending_exit = in_.status;
    s_.pending_ran_for = in_.ran_for;
    s_.pending_cause = in_.error;
    effect(Effect::Kind::sweep, run.id);
  }

  // ---- consequences
  // Asks a run to end; the ways of asking depend on how far it is.
  void end(RunMachine& run) {
    run.asked = true;
    run.failed = false;
    if (run.phase == Phase::launching || run.phase == Phase::online) signal_stop(run);
  }

  void signal_stop(RunMachine& run) {
    run.phase = Phase::stopping;
    effect(Effect::Kind::signal_stop, run.id);
  }

  // The current run is over and nothing of it is left: what now?
  void conclude(RunMachine& run) {
    const bool asked = run.asked;
    failed_ = run.failed;
    s_.current.reset();
    if (asked) return conclude_asked();
    if (predecessor_serves()) return roll_back();
    conclude_crash();
  }

  void conclude_asked() {
    if (s_.desired == Desired::down) return rest(Rest::stopped, std::string(kStoppedByRequest));
    ++s_.restarts;
    s_.tracker.reset();
    begin(s_.asked_why);
  }

  // The successor died before it was ready: the predecessor, which never stopped serving, is
  // current again.
  void roll_back() {
    s_.current = std::exchange(s_.retiring, std::nullopt);
    s_.reason = "new run failed (" + failure() + "); the previous one serves on";
  }

  void conclude_crash() {
    // A run that does not work has failed, also if it ends in peace when told to.
    if (failed_) {
      s_.pending_exit = ExitStatus{};
      s_.pending_ran_for = s_.worked_for;
    }
    if (s_.pending_ran_for < ctx_.policy.min_uptime) ++s_.quick_exits;
    const RestartDecision decision =
        s_.tracker.on_exit(s_.pending_exit, s_.pending_ran_for, ctx_.now, ctx_.policy, ctx_.jitter);
    const std::string why = in_words(decision.reason);
    switch (decision.action) {
      case RestartDecision::Action::restart:
        ++s_.restarts;
        s_.backoff = decision.delay;
        if (decision.delay <= 0s) return spawn(why);
        return rest(Rest::waiting, why);
      case RestartDecision::Action::give_up:
        return rest(Rest::errored, why);
      case RestartDecision::Action::done:
        return conclude_done(why, decision.wanted_end && in_.kind != Kind::spawn_failed);
    }
  }

  // Of a failed spawn there is no exit status, and that of a failed run says nothing: what is known
  // instead stands where the status would.
  [[nodiscard]] std::string in_words(const std::string& reason) const {
    const bool is_known = in_.kind == Kind::spawn_failed || failed_ || !s_.pending_cause.empty();
    if (!is_known) return reason;
    const std::string status = describe(s_.pending_exit);
    if (reason.rfind(status, 0) == 0) return failure() + reason.substr(status.size());
    return failure() + "; " + reason;
  }

  void conclude_done(const std::string& why, bool wanted_end) {
    s_.desired = Desired::down;
    s_.finished = true;
    rest(wanted_end ? Rest::stopped : Rest::errored, why);
  }

  [[nodiscard]] bool predecessor_serves() const {
    return s_.retiring && s_.retiring->phase == Phase::online;
  }

  [[nodiscard]] std::string failure() const {
    if (failed_) return s_.failure;
    if (in_.kind == Kind::spawn_failed) return in_.error;
    return s_.pending_cause.empty() ? describe(s_.pending_exit) : s_.pending_cause;
  }

  void fresh_start() {
    s_.tracker.reset();
    begin();
  }

  // A run that a user asked for waits for what it depends on. Those of the policy do not: they are
  // of an app that has been started. Nor does the successor of a run that serves.
  void begin(std::string why = {}) {
    if (ctx_.held.empty() || predecessor_serves()) return spawn(std::move(why));
    rest(Rest::held, ctx_.held);
  }

  void spawn(std::string reason = {}) {
    s_.current = RunMachine{ctx_.next_run, Phase::spawning, false};
    s_.rest = Rest::stopped;
    s_.reason = std::move(reason);
    s_.asked_why.clear();
    s_.finished = false;
    effect(Effect::Kind::spawn, ctx_.next_run);
  }

  void rest(Rest rest, std::string reason) {
    s_.rest = rest;
    s_.reason = std::move(reason);
  }

  void ignore() { ignored_ = true; }

  InstanceState s_;
  const Input& in_;
  const StepContext& ctx_;
  std::vector<Effect> effects_;
  bool ignored_ = false;
  bool failed_ = false;  // the run that is being concluded
};

}  // namespace

Step step(const InstanceState& state, const Input& input, const StepContext& context) {
  return Stepper(state, input, context).run();
}

State state_of(const InstanceState& state) {
  if (state.current) {
    switch (state.current->phase) {
      case Phase::spawning:
      case Phase::launching:
        return State::launching;
      case Phase::online:
        return State::online;
      case Phase::stopping:
      case Phase::killing:
      case Phase::sweeping:
        return State::stopping;
    }
  }
  const bool resting = state.rest == Rest::stopped || state.rest == Rest::errored;
  if (resting && state.retiring) return State::stopping;
  switch (state.rest) {
    case Rest::stopped:
      return State::stopped;
    case Rest::waiting:
    case Rest::held:
      return State::waiting;
    case Rest::errored:
      return State::errored;
  }
  return State::stopped;
}

std::optional<TimerKind> timer_of(const RunMachine& run) {
  if (run.phase == Phase::launching) return TimerKind::ready;
  if (run.phase == Phase::stopping) return TimerKind::kill;
  return std::nullopt;
}

std::string broken_invariant(const InstanceState& state) {
  const bool resting = !state.current;
  const bool waits = state.rest == Rest::waiting || state.rest == Rest::held;
  if (resting && waits && state.desired == Desired::down) return "waiting while desired down";
  if (resting && state.retiring && state.retiring->phase == Phase::online)
    return "a retiring run serves without a successor";
  if (state.current && state.retiring && state.current->id == state.retiring->id)
    return "one run in two roles";
  if (state.retiring &&
      (state.retiring->phase == Phase::spawning || state.retiring->phase == Phase::launching))
    return "a retiring run that never served";
  if (state.current && state.current->phase == Phase::stopping && !state.current->asked &&
      !state.current->failed)
    return "stopping without being asked, and it works";
  if (state.current && state.current->failed && state.current->asked)
    return "a run that was asked to end is no failed one";
  if (state.current && state.current->failed &&
      (state.current->phase == Phase::spawning || state.current->phase == Phase::launching ||
       state.current->phase == Phase::online))
    return "a failed run that is not being ended";
  if (state.retiring && state.retiring->failed) return "a failed predecessor";
  if (state.desired == Desired::down && state.current && !state.current->asked)
    return "desired down, but the run was not asked to end";
  return {};
}

}  // namespace roost::model
