#include "core/loop/poll.h"

#include <memory>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/unique_fd.h"
#include "core/loop/loop.h"

using namespace roost;
using namespace roost::loop;

namespace {
struct Pair {
  UniqueFd a, b;

  explicit Pair(int type = SOCK_STREAM) {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) == 0);
    a.reset(fds[0]);
    b.reset(fds[1]);
  }
};
}  // namespace

TEST_CASE("poll: tells what is readable until it is read, and stops when told") {
  Loop loop;
  Pair pair;
  int calls = 0;
  Poll poll(loop, pair.a.get(), [&](unsigned events) {
    CHECK(events == Poll::readable);
    if (++calls < 3) return;  // not read: level-triggered
    poll.stop();
  });
  REQUIRE(poll.start(Poll::readable));
  CHECK(poll.active());
  REQUIRE(::write(pair.b.get(), "x", 1) == 1);
  REQUIRE(loop.run_until([&] { return calls == 3; }, 5s));
  CHECK_FALSE(poll.active());
}

TEST_CASE("poll: events can be changed") {
  Loop loop;
  Pair pair;
  unsigned seen = 0;
  Poll poll(loop, pair.a.get(), [&](unsigned events) { seen |= events; });
  REQUIRE(poll.start(Poll::readable));
  REQUIRE(poll.start(Poll::readable | Poll::writable));
  CHECK(loop.run_until([&] { return seen == Poll::writable; }, 5s));
}

TEST_CASE("poll: hang-up and errors are delivered as readable, so that reading shows them") {
  Loop loop;
  Pair pair(SOCK_SEQPACKET);
  REQUIRE(::write(pair.a.get(), "unread", 6) == 6);
  pair.b.reset();  // with data unread: the other side gets ECONNRESET
  int calls = 0;
  Poll poll(loop, pair.a.get(), [&](unsigned events) {
    CHECK((events & Poll::readable) != 0);
    ++calls;
  });
  REQUIRE(poll.start(Poll::readable));
  CHECK(loop.run_until([&] { return calls >= 2; }, 5s));
}

TEST_CASE("poll: a regular file is refused with words, and the object stays harmless") {
  Loop loop;
  char name[] = "/tmp/roost-poll-XXXXXX";
  UniqueFd file(::mkstemp(name));
  ::unlink(name);
  Poll poll(loop, file.get(), [](unsigned) {});
  const Status started = poll.start(Poll::readable);
  REQUIRE_FALSE(started);
  CHECK(started.error().message.find("watch a descriptor") == 0);
  poll.stop();
  CHECK_FALSE(poll.active());
}

TEST_CASE("poll: may be destroyed in its callback, and the descriptor closed at once") {
  Loop loop;
  Pair pair;
  REQUIRE(::write(pair.b.get(), "x", 1) == 1);
  bool done = false;
  std::unique_ptr<Poll> poll;
  poll = std::make_unique<Poll>(loop, pair.a.get(), [&](unsigned) {
    poll.reset();
    pair.a.reset();
    done = true;
  });
  REQUIRE(poll->start(Poll::readable));
  CHECK(loop.run_until([&] { return done; }, 5s));
}

TEST_CASE(
    "poll: of two ready descriptors, the one destroyed by the other's callback stays silent") {
  Loop loop;
  Pair one, two;
  REQUIRE(::write(one.b.get(), "x", 1) == 1);
  REQUIRE(::write(two.b.get(), "x", 1) == 1);
  int calls = 0;
  std::unique_ptr<Poll> first, second;
  const auto on_first = [&](unsigned) {
    ++calls;
    first->stop();
    second.reset();
  };
  const auto on_second = [&](unsigned) {
    ++calls;
    second->stop();
    first.reset();
  };
  first = std::make_unique<Poll>(loop, one.a.get(), on_first);
  second = std::make_unique<Poll>(loop, two.a.get(), on_second);
  REQUIRE(first->start(Poll::readable));
  REQUIRE(second->start(Poll::readable));
  REQUIRE(loop.run_until([&] { return calls > 0; }, 5s));
  CHECK_FALSE(loop.run_until([&] { return calls > 1; }, 20ms));
}
