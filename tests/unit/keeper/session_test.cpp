
#include <memory>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeper/keeper.h"
#include "tests/unit/keeper/session_fixture.h"

namespace roost::keeper {
namespace {

using Fixture = SessionFixture;

TEST_CASE_FIXTURE(Fixture, "keeper session: an empty hand-over is hello, ready") {
  turn();
  const auto messages = take();
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].type == Type::hello);
  CHECK(messages[0].key == 42);
  CHECK(messages[0].seq == 1);
  CHECK(messages[0].value == kProtocolVersion);
  CHECK(messages[0].status == 2000);
  CHECK(messages[1].type == Type::ready);
}

TEST_CASE_FIXTURE(Fixture, "keeper session: a hand-over stops at each window") {
  add_runs(100);
  tell(daemon.get(), Type::daemon_hello);
  turn();
  auto messages = take();
  REQUIRE(messages.size() == 34);  // hello, 32 runs, window
  CHECK(messages.back().type == Type::window);
  turn();
  CHECK(take().empty());
  tell(daemon.get(), Type::window_ack, 0, messages.back().seq + 1);  // of no window
  turn();
  CHECK(take().empty());
  tell(daemon.get(), Type::window_ack, 0, messages.back().seq);
  turn();
  CHECK(take().size() == 33);
}

TEST_CASE_FIXTURE(Fixture, "keeper session: an exit during the hand-over comes after its run") {
  add_runs(40);
  tell(daemon.get(), Type::daemon_hello);
  turn();
  const auto first = take();
  table.record_exit(table.runs.find(2), {CLD_EXITED, 3});   // already sent
  table.record_exit(table.runs.find(40), {CLD_EXITED, 4});  // not yet
  tell(daemon.get(), Type::window_ack, 0, first.back().seq);
  turn();
  const auto rest = take();
  REQUIRE(rest.size() == 8 + 2 + 1);
  CHECK(rest[7].key == 40);
  CHECK((rest[7].flags & kRunExited) != 0);
  CHECK(rest[8].type == Type::exit);
  CHECK(rest[8].key == 2);
  CHECK(rest[9].key == 40);
  CHECK(rest[9].status == 4);
  CHECK(rest[10].type == Type::ready);
}

TEST_CASE_FIXTURE(Fixture,
                  "keeper session: an exit is sent once to each daemon until acknowledged") {
  add_runs(1);
  become_ready();
  table.record_exit(table.runs.find(1), {CLD_EXITED, 7});
  turn();
  CHECK(take().size() == 1);
  turn();
  CHECK(take().empty());
  session->close(now);
  connect();
  tell(daemon.get(), Type::daemon_hello);
  turn();
  const auto messages = take();  // hello, run, exit, ready
  REQUIRE(messages.size() == 4);
  CHECK(messages[0].seq == 2);
  CHECK(messages[2].type == Type::exit);
  tell(daemon.get(), Type::ack_exit, 1, messages[2].seq);
  turn();
  CHECK(table.runs.used() == 0);
}

TEST_CASE_FIXTURE(Fixture, "keeper session: nothing is lost when the daemon does not read") {
  add_runs(1500);
  become_ready();
  for (std::uint64_t key = 1; key <= 1500; ++key)
    table.record_exit(table.runs.find(key), {});
  turn();
  REQUIRE((session->interest() & EPOLLOUT) != 0);
  std::uint64_t expected = 1;
  while (expected <= 1500) {
    const auto messages = take();
    REQUIRE(!messages.empty());
    for (const Message& message : messages) {
      CHECK(message.type == Type::exit);
      CHECK(message.key == expected++);
    }
    turn();
  }
  CHECK((session->interest() & EPOLLOUT) == 0);
}

TEST_CASE_FIXTURE(Fixture, "keeper session: answers pile up to a limit, then no more is read") {
  become_ready();
  Message message;
  message.type = Type::adopt_run;  // without a pidfd: refused
  std::uint64_t sent = 0;
  // The daemon writes and never reads.
  for (int idle = 0; idle < 3;) {
    message.key = sent + 1;
    const bool done = send_message(daemon.get(), message) == Sent::done;
    sent += done ? 1 : 0;
    idle = done ? 0 : idle + 1;
    turn();
    REQUIRE(sent < 100000);
  }
  CHECK((session->interest() & EPOLLIN) == 0);
  CHECK_FALSE(session->overdue(now));
  // Once it reads, every answer comes, in order.
  std::uint64_t answered = 0;
  for (auto messages = take(); !messages.empty(); messages = take()) {
    for (const Message& answer : messages) {
      CHECK(answer.type == Type::not_kept);
      CHECK(answer.key == ++answered);
    }
    turn();
  }
  CHECK(answered == sent);
}

TEST_CASE_FIXTURE(Fixture, "keeper watchdog: pings only while runs are stored") {
  become_ready();
  now += 60000;
  turn();
  CHECK(take().empty());
  CHECK(session->next_deadline() == kNever);
  add_runs(1);
  turn();
  const auto messages = take();
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].type == Type::ping);
}

TEST_CASE_FIXTURE(Fixture, "keeper watchdog: a missing answer is overdue after its limit") {
  add_runs(1);
  become_ready();
  now += 4000;
  turn();
  CHECK_FALSE(session->overdue(now + 7999));
  CHECK(session->overdue(now + 8000));
  CHECK(session->next_deadline() == now + 8000);
  tell(daemon.get(), Type::pong, 0, take().back().seq);
  turn();
  CHECK_FALSE(session->overdue(now + 8000));
  CHECK(session->next_deadline() == now + 4000);
}

TEST_CASE_FIXTURE(Fixture, "keeper watchdog: a daemon that never says hello is overdue") {
  turn();
  CHECK(overdue_after(60000) == 10000);
}

TEST_CASE_FIXTURE(Fixture, "keeper watchdog: an unacknowledged window is overdue") {
  add_runs(100);
  tell(daemon.get(), Type::daemon_hello);
  turn();
  CHECK(overdue_after(60000) == 10000);
}

TEST_CASE_FIXTURE(Fixture, "keeper watchdog: the limit doubles with each kill, up to a minute") {
  std::vector<Millis> limits;
  for (int i = 0; i < 5; ++i) {
    turn();
    limits.push_back(overdue_after(100000));
    session->was_killed(now);
    session->close(now);
    connect();
  }
  CHECK(limits == std::vector<Millis>{10000, 20000, 40000, 75000, 75000});
}

TEST_CASE_FIXTURE(Fixture, "keeper watchdog: can be switched off, for this daemon") {
  add_runs(1);
  become_ready();
  tell(daemon.get(), Type::watchdog, 0, 0, 0);
  turn();
  now += 3600000;
  turn();
  CHECK(take().empty());
  CHECK_FALSE(session->overdue(now));
  session->close(now);
  connect();
  turn();
  CHECK(session->overdue(now + 10000));
}

TEST_CASE_FIXTURE(Fixture,
                  "keeper watchdog: a daemon that closed its socket but lives is overdue") {
  become_ready();
  daemon.reset();
  turn();
  CHECK(session->interest() == 0);
  CHECK(session->overdue(now + 10000));
}

TEST_CASE_FIXTURE(Fixture,
                  "keeper watchdog: time in which the keeper itself stood still is forgiven") {
  add_runs(1);
  become_ready();
  now += 4000;
  turn();
  now += 100000;
  session->forgive(now);
  CHECK_FALSE(session->overdue(now));
  CHECK(session->overdue(now + 8000));
}

TEST_CASE_FIXTURE(Fixture,
                  "keeper session: what was sent before the end is read, later senders fail") {
  become_ready();
  Message message;
  message.type = Type::store;
  message.key = 77;
  REQUIRE(send_message(daemon.get(), message) == Sent::done);
  session->close(now);
  CHECK(table.entries.find(77) != nullptr);
  CHECK(send_message(daemon.get(), message) == Sent::broken);
}

TEST_CASE_FIXTURE(Fixture, "keeper session: an upgrade waits until everything is sent") {
  tell(daemon.get(), Type::upgrade);
  session->receive(Session::Depth::all, now);
  CHECK_FALSE(session->take_upgrade_request());
  become_ready();
  CHECK(session->take_upgrade_request());
  CHECK_FALSE(session->take_upgrade_request());
}

TEST_CASE_FIXTURE(Fixture, "keeper session: unknown messages are ignored") {
  become_ready();
  tell(daemon.get(), static_cast<Type>(999), 1, 2, 3);
  tell(daemon.get(), Type::hello, 1, 2, 3);
  turn();
  CHECK(take().empty());
  CHECK(session->ready());
}

TEST_CASE("keeper back-off: a daemon that never takes over is tried 0, 10, 20 ms ... 5 s later") {
  Backoff backoff;
  std::vector<Millis> delays;
  for (int i = 0; i < 12; ++i)
    delays.push_back(backoff.on_death(Death::early, kStart));
  CHECK(delays == std::vector<Millis>{0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000});
  CHECK(backoff.on_death(Death::crashed, kStart) == 0);
  CHECK(backoff.on_death(Death::early, kStart) == 0);
}

TEST_CASE(
    "keeper back-off: one that had taken over comes back at once, in the long run once a second") {
  Backoff backoff;
  Millis now = kStart;
  for (int i = 0; i < 30; ++i)
    CHECK(backoff.on_death(Death::crashed, now) == 0);
  for (int i = 0; i < 10; ++i) {
    const Millis delay = backoff.on_death(Death::crashed, now);
    CHECK(delay == 1000);
    now += delay;
  }
  now += 60000;
  CHECK(backoff.on_death(Death::crashed, now) == 0);
}

TEST_CASE("keeper backoff: a daemon that somebody kills is back at once, 300 times in a burst") {
  Backoff backoff;
  for (int i = 0; i < 300; ++i)
    CHECK(backoff.on_death(Death::killed, kStart) == 0);
  CHECK(backoff.on_death(Death::killed, kStart) == 100);
}

}  // namespace
}  // namespace roost::keeper
