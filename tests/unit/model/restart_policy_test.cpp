#include "core/model/restart_policy.h"

#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::model;
using Action = RestartDecision::Action;

namespace {

const ExitStatus kCode1{ExitKind::exited, 1, 0, false};
constexpr double kNoJitter = 0.5;

// An app that lives `lifetime` each time and is restarted as decided, on a clock of its own.
class Life {
 public:
  explicit Life(RestartPolicy policy = {}) : policy_(policy) {}

  RestartDecision crash(Duration lifetime, double jitter = kNoJitter) {
    now_ += lifetime;
    RestartDecision decision = tracker_.on_exit(kCode1, lifetime, now_, policy_, jitter);
    now_ += decision.delay;
    return decision;
  }

  RestartTracker& tracker() { return tracker_; }

  [[nodiscard]] TimePoint now() const { return now_; }

  void pass(Duration d) { now_ += d; }

 private:
  RestartPolicy policy_;
  RestartTracker tracker_;
  TimePoint now_ = from_ns(1'000'000'000'000);
};

std::vector<std::int64_t> delays(Life& life, Duration lifetime, int exits) {
  std::vector<std::int64_t> out;
  for (int i = 0; i < exits; ++i)
    out.push_back(to_ms(life.crash(lifetime).delay));
  return out;
}

}  // namespace

TEST_CASE("restart policy: the first restart after a crash is immediate") {
  Life life;
  const RestartDecision decision = life.crash(5s);
  CHECK(decision.action == Action::restart);
  CHECK(decision.delay == 0s);
  CHECK(decision.reason == "exit code 1; restarting at once");
}

TEST_CASE(
    "restart policy: two quick exits spend the budget, then it backs off doubling to the cap") {
  Life life;
  const std::vector<std::int64_t> expected{0,    0,     100,   200,   400,   800,   1600, 3200,
                                           6400, 12800, 25600, 51200, 60000, 60000, 60000};
  CHECK(delays(life, 10ms, 15) == expected);
}

TEST_CASE(
    "restart policy: ten exits that are not quick are restarted at once, refilled one per 6 s") {
  Life life;
  // Eleven seconds pay for one restart more than the ten; the twelfth exit finds 0.83 in the
  // budget.
  std::vector<std::int64_t> expected(11, 0);
  expected.push_back(100);
  CHECK(delays(life, 1s, 12) == expected);
}

TEST_CASE("restart policy: an app that dies every 6 s or later is always restarted at once") {
  Life life;
  for (int i = 0; i < 1'000; ++i)
    REQUIRE(life.crash(6s).delay == 0s);
}

TEST_CASE("restart policy: reasons are words") {
  Life life;
  CHECK(life.crash(10ms).reason == "exit code 1; restarting at once");
  (void)life.crash(10ms);  // only the state after it matters
  CHECK(life.crash(10ms).reason == "3 exits within 1s of start; next try in 100ms");
  CHECK(life.crash(10ms).reason == "4 exits within 1s of start; next try in 200ms");
  CHECK(life.crash(2s).reason == "5 exits in a row, none after 60s of running; next try in 400ms");
  CHECK(life.crash(10ms).reason == "exit code 1 within 1s of start; next try in 800ms");
  CHECK(life.crash(10ms).reason == "2 exits within 1s of start; next try in 1.6s");
}

TEST_CASE("restart policy: a signal is named") {
  RestartTracker tracker;
  const ExitStatus segv{ExitKind::signaled, 0, 11, true};
  CHECK(tracker.on_exit(segv, 5s, from_ns(1), {}, 0).reason ==
        "SIGSEGV (core dumped); restarting at once");
}

TEST_CASE("restart policy: without autorestart it is done") {
  RestartTracker tracker;
  RestartPolicy policy;
  policy.restart = RestartWhen::never;
  const auto decision = tracker.on_exit(kCode1, 5s, from_ns(1), policy, 0);
  CHECK(decision.action == Action::done);
  CHECK(decision.reason == "exit code 1; autorestart is off");
}

TEST_CASE("restart policy: gives up when max_restarts is exceeded by unhealthy exits in a row") {
  RestartPolicy policy;
  policy.max_restarts = 5;
  Life life(policy);
  for (int i = 0; i < 5; ++i)
    REQUIRE(life.crash(2s).action == Action::restart);
  const auto decision = life.crash(2s);
  CHECK(decision.action == Action::give_up);
  CHECK(decision.reason == "max_restarts 5 reached: 6 unhealthy exits in a row");
}

TEST_CASE("restart policy: max_restarts 0 gives up at the first unhealthy exit") {
  RestartPolicy policy;
  policy.max_restarts = 0;
  Life life(policy);
  CHECK(life.crash(60s).action == Action::restart);
  const auto decision = life.crash(2s);
  CHECK(decision.action == Action::give_up);
  CHECK(decision.reason == "max_restarts 0 reached: 1 unhealthy exit");
}

TEST_CASE("restart policy: on failure, exit code 0 is the end and everything else is not") {
  RestartPolicy policy;
  policy.restart = RestartWhen::on_failure;
  RestartTracker tracker;
  const auto decide = [&](const ExitStatus& status) {
    return tracker.on_exit(status, 5s, from_ns(1), policy, kNoJitter);
  };
  const auto done = decide({ExitKind::exited, 0, 0, false});
  CHECK(done.action == Action::done);
  CHECK(done.wanted_end);
  CHECK(done.reason == "exit code 0; restarts on failure only");
  CHECK(decide(kCode1).action == Action::restart);
  CHECK(decide({ExitKind::signaled, 0, 15, false}).action == Action::restart);
  CHECK(decide({ExitKind::unknown, 0, 0, false}).action == Action::restart);
}

TEST_CASE("restart policy: a code of stop_exit_codes is a wanted end, a signal never is") {
  const std::vector<std::int32_t> codes{0, 3};
  for (const RestartWhen when :
       {RestartWhen::always, RestartWhen::on_failure, RestartWhen::never}) {
    RestartPolicy policy;
    policy.restart = when;
    policy.stop_exit_codes = codes;
    RestartTracker tracker;
    for (const int code : {0, 3}) {
      const auto end =
          tracker.on_exit({ExitKind::exited, code, 0, false}, 5s, from_ns(1), policy, 0);
      CHECK(end.action == Action::done);
      CHECK(end.wanted_end);
      CHECK(end.reason == "exit code " + std::to_string(code) + "; one of stop_exit_codes");
    }
    const auto killed =
        tracker.on_exit({ExitKind::signaled, 0, 3, false}, 5s, from_ns(1), policy, 0);
    CHECK_FALSE(killed.wanted_end);
    CHECK((killed.action == Action::done) == (when == RestartWhen::never));
  }
}

TEST_CASE("restart policy: max_restarts within a span counts every exit of the span") {
  RestartPolicy policy;
  policy.max_restarts = 2;
  policy.max_restarts_within = 600s;
  Life life(policy);
  CHECK(life.crash(100s).action == Action::restart);  // healthy ones too
  CHECK(life.crash(100s).action == Action::restart);
  const auto decision = life.crash(100s);
  CHECK(decision.action == Action::give_up);
  CHECK(decision.reason == "max_restarts 2 in 600s reached: 3 exits");
  life.tracker().reset();
  CHECK(life.crash(1s).action == Action::restart);
  CHECK(life.crash(1s).action == Action::restart);
  life.pass(601s);
  CHECK(life.crash(1s).action == Action::restart);
  CHECK(life.tracker().window().exits == 1);
  RestartTracker other(life.tracker().memory(), life.tracker().window());
  CHECK(other.on_exit(kCode1, 1s, life.now(), policy, 0).action == Action::restart);
  CHECK(other.on_exit(kCode1, 1s, life.now(), policy, 0).action == Action::give_up);
}

TEST_CASE("restart policy: exp_backoff_restart_delay doubles from the first exit on, up to 15 s") {
  RestartPolicy policy;
  policy.exp_backoff_restart_delay = 150ms;
  Life life(policy);
  CHECK(life.crash(2s, 0.0).delay == 150ms);
  const std::vector<std::int64_t> expected{300, 600, 1200, 2400, 4800, 9600, 15000, 15000};
  CHECK(delays(life, 2s, 8) == expected);
  CHECK(life.crash(60s).delay == 150ms);  // a healthy run ends it
  policy.exp_backoff_restart_delay = 20s;
  Life slow(policy);
  CHECK(delays(slow, 1s, 3) == std::vector<std::int64_t>{20000, 20000, 20000});
}

TEST_CASE("restart policy: a healthy run clears streak and back-off") {
  RestartPolicy policy;
  policy.max_restarts = 20;
  Life life(policy);
  (void)delays(life, 10ms, 15);
  CHECK(life.tracker().memory().backoff_step > 0);
  const auto decision = life.crash(60s);
  CHECK(decision.delay == 0s);
  CHECK(decision.reason == "exit code 1; restarting at once");
  CHECK(life.tracker().memory().streak == 0);
  CHECK(life.tracker().memory().backoff_step == 0);
}

TEST_CASE("restart policy: once backing off, a refilled budget alone does not end it") {
  Life life;
  (void)delays(life, 10ms, 4);
  life.pass(600s);
  CHECK(to_ms(life.crash(10ms).delay) == 400);
  CHECK(to_ms(life.crash(59s).delay) == 800);
}

TEST_CASE("restart policy: restart_delay is the least delay, also of a back-off") {
  RestartPolicy policy;
  policy.restart_delay = 300ms;
  Life life(policy);
  const std::vector<std::int64_t> expected{300, 300, 300, 300, 400, 800};
  CHECK(delays(life, 10ms, 6) == expected);
  Life again(policy);
  CHECK(again.crash(5s).reason == "exit code 1; next try in 300ms");
}

TEST_CASE("restart policy: jitter is a quarter either way") {
  for (const auto& [jitter, expected] :
       {std::pair{0.0, 75}, {0.5, 100}, {1.0, 125}, {-3.0, 75}, {9.0, 125}}) {
    Life life;
    (void)delays(life, 10ms, 2);
    CHECK(to_ms(life.crash(10ms, jitter).delay) == expected);
  }
}

TEST_CASE("restart policy: min_uptime of zero makes no exit a quick one") {
  RestartPolicy policy;
  policy.min_uptime = 0s;
  Life life(policy);
  for (int i = 0; i < 10; ++i)
    REQUIRE(life.crash(0s).delay == 0s);
  CHECK(life.crash(0s).delay == 100ms);
}

TEST_CASE("restart policy: reset gives a full budget and no back-off") {
  Life life;
  (void)delays(life, 10ms, 10);
  life.tracker().reset();
  CHECK(delays(life, 10ms, 3) == std::vector<std::int64_t>{0, 0, 100});
}

TEST_CASE("restart policy: a clock that stands still or runs back refills nothing") {
  RestartTracker tracker;
  (void)tracker.on_exit(kCode1, 5s, from_ns(1'000'000'000'000), {}, 0);
  (void)tracker.on_exit(kCode1, 5s, from_ns(1'000'000'000), {}, 0);
  CHECK(tracker.memory().budget == doctest::Approx(8));
}

TEST_CASE("restart policy: a sustained crash loop stays below one restart per second") {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> unit(0, 1);
  for (int round = 0; round < 200; ++round) {
    Life life;
    const TimePoint begin = life.now();
    const auto most = Duration(std::int64_t(unit(random) * 2e9));
    int restarts = 0;
    while (life.now() - begin < 120s) {
      const auto decision =
          life.crash(Duration(std::int64_t(unit(random) * double(most.count()))), unit(random));
      REQUIRE(decision.action == Action::restart);
      REQUIRE(decision.delay <= 75s);
      ++restarts;
    }
    CHECK(restarts <= 30);
  }
}

TEST_CASE("restart policy: a tracker made of another's memory decides alike") {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> unit(0, 1);
  RestartPolicy policy;
  policy.max_restarts = 200;
  RestartTracker one;
  TimePoint now = from_ns(5);
  for (int i = 0; i < 2'000; ++i) {
    RestartTracker other(one.memory());
    const auto lifetime = Duration(std::int64_t(unit(random) * 70e9));
    const double jitter = unit(random);
    now += lifetime;
    const auto a = one.on_exit(kCode1, lifetime, now, policy, jitter);
    const auto b = other.on_exit(kCode1, lifetime, now, policy, jitter);
    REQUIRE(a.action == b.action);
    REQUIRE(a.delay == b.delay);
    REQUIRE(a.reason == b.reason);
    REQUIRE(one.memory().budget >= 0);
    REQUIRE(one.memory().budget <= RestartPolicy::kBudget);
  }
}
