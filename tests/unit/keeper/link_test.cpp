#include "keeper/link.h"

#include <cstring>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/keeper/harness.h"

namespace roost::keeper {
namespace {

struct Pair {
  Pair() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    left.reset(ends[0]);
    right.reset(ends[1]);
  }

  UniqueFd left;
  UniqueFd right;
};

Message message_of(std::uint64_t key) {
  Message message;
  message.type = Type::store;
  message.key = key;
  return message;
}

int open_fds() {
  int count = 0;
  for (int fd = 0; fd < 256; ++fd)
    count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

TEST_CASE("keeper link: descriptors arrive in the order of the bits, close-on-exec") {
  Pair pair;
  const UniqueFd a = make_memfd("a");
  const UniqueFd b = make_memfd("b");
  Message message = message_of(7);
  message.flags = kFdStdout | kFdChannel;
  const int fds[kMaxRunFds] = {-1, a.get(), -1, -1, b.get()};
  REQUIRE(send_message(pair.left.get(), message, fds) == Sent::done);
  Packet packet;
  REQUIRE(receive_message(pair.right.get(), packet) == Got::message);
  CHECK(packet.message.key == 7);
  const UniqueFd first(packet.take());
  const UniqueFd second(packet.take());
  CHECK(read_all(first.get()) == "a");
  CHECK(read_all(second.get()) == "b");
  CHECK(packet.take() == -1);
  CHECK((::fcntl(first.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("keeper link: what is not a message is ignored and its descriptors are closed") {
  Pair pair;
  const UniqueFd a = make_memfd("a");
  Message message = message_of(7);
  message.flags = 1;
  message.magic = 1;
  const int fds[kMaxRunFds] = {a.get(), -1, -1, -1, -1};
  const int before = open_fds();
  REQUIRE(send_message(pair.left.get(), message, fds) == Sent::done);
  REQUIRE(::send(pair.left.get(), "short", 5, 0) == 5);
  char large[sizeof(Message) + 1];
  message.magic = kMagic;
  std::memcpy(large, &message, sizeof message);
  REQUIRE(::send(pair.left.get(), large, sizeof large, 0) == sizeof large);
  Packet packet;
  for (int i = 0; i < 3; ++i)
    CHECK(receive_message(pair.right.get(), packet) == Got::ignored);
  CHECK(receive_message(pair.right.get(), packet) == Got::nothing);
  CHECK(open_fds() == before);
}

TEST_CASE("keeper link: messages of a peer that died without reading its own are not lost") {
  Pair pair;
  REQUIRE(send_message(pair.left.get(), message_of(1)) == Sent::done);
  REQUIRE(send_message(pair.right.get(), message_of(2)) == Sent::done);
  pair.right.reset();  // with message 1 unread: ECONNRESET comes first
  Packet packet;
  REQUIRE(receive_message(pair.left.get(), packet) == Got::message);
  CHECK(packet.message.key == 2);
  CHECK(receive_message(pair.left.get(), packet) == Got::end);
  CHECK(send_message(pair.left.get(), message_of(3)) == Sent::broken);
}

TEST_CASE("keeper link: a full socket is told, never waited for") {
  Pair pair;
  Sent sent = Sent::done;
  int count = 0;
  while (sent == Sent::done && count < 1000000) {
    sent = send_message(pair.left.get(), message_of(1));
    ++count;
  }
  CHECK(sent == Sent::full);
}

}  // namespace
}  // namespace roost::keeper
