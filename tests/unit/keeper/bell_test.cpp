// The keeper's side of the bell (protocol.h, daemon_hello).
#include <doctest/doctest.h>
#include <sys/eventfd.h>

#include "tests/unit/keeper/session_fixture.h"

namespace roost::keeper {
namespace {

// A daemon that rings: the session watches the bell, and not the socket.
struct BellFixture : SessionFixture {
  BellFixture() {
    session = std::make_unique<Session>(table, epoll.get(), Pace{.ping = 4000, .answer = 8000});
    connect();
    Message hello;
    hello.type = Type::daemon_hello;
    hello.flags = kFdPidfd;
    const int fds[kMaxRunFds] = {bell.get(), -1, -1, -1, -1};
    REQUIRE(send_message(daemon.get(), hello, fds) == Sent::done);
    turn();
  }

  // Tags of what the keeper would wake for.
  std::vector<std::uint64_t> woken() const {
    epoll_event events[4];
    std::vector<std::uint64_t> tags;
    const int count = ::epoll_wait(epoll.get(), events, 4, 0);
    for (int i = 0; i < count; ++i)
      tags.push_back(events[i].data.u64);
    return tags;
  }

  UniqueFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  UniqueFd bell{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

TEST_CASE_FIXTURE(BellFixture, "keeper session: with a bell the socket is not watched") {
  REQUIRE(session->ready());
  CHECK((session->interest() & EPOLLIN) == 0);
  CHECK(woken().empty());
  tell(daemon.get(), Type::pong);
  CHECK(woken().empty());
  for (int i = 0; i < 3; ++i) {  // every ring counts, though nobody reads the bell
    ::eventfd_write(bell.get(), 1);
    CHECK(woken() == std::vector<std::uint64_t>{kBellTag});
  }
  session->close(now);
  bell.reset();
  CHECK(woken().empty());
}

TEST_CASE_FIXTURE(BellFixture, "keeper session: a pong without a ring is seen at the next look") {
  add_runs(1);
  now += 4000;
  session->pump(now);
  std::vector<Message> messages = take();
  REQUIRE_FALSE(messages.empty());
  REQUIRE(messages.back().type == Type::ping);
  tell(daemon.get(), Type::pong, 0, messages.back().seq);
  CHECK(session->next_deadline() == now + 4000);  // not that of a kill
  now += 4000;
  turn();
  messages = take();
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].type == Type::ping);  // at once: a hang is noticed as soon as without a bell
  now += 4000;
  turn();
  CHECK_FALSE(session->overdue(now));
  CHECK(session->next_deadline() == now + 4000);
  CHECK(session->overdue(now + 4000));
}

}  // namespace
}  // namespace roost::keeper
