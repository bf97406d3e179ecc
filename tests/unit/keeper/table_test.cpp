#include "keeper/table.h"

#include <csignal>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/keeper/harness.h"

namespace roost::keeper {
namespace {

// A message as it comes out of a socket, with its descriptors.
class Incoming {
 public:
  Incoming(Type type, std::uint64_t key, std::uint32_t flags = 0, int value = 0, int fd = -1) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    const UniqueFd left(ends[0]);
    const UniqueFd right(ends[1]);
    Message message;
    message.type = type;
    message.key = key;
    message.flags = flags;
    message.value = value;
    message.label[0] = static_cast<std::uint8_t>('0' + key % 10);
    const int fds[kMaxRunFds] = {fd, fd, fd, fd, fd};
    REQUIRE(send_message(left.get(), message, fds) == Sent::done);
    REQUIRE(receive_message(right.get(), packet) == Got::message);
  }

  Packet packet;
};

struct Process {
  Process() : pid(::fork()) {
    if (pid == 0) {
      ::pause();
      ::_exit(0);
    }
    pidfd = open_pidfd(pid);
  }

  ~Process() {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }

  pid_t pid;
  UniqueFd pidfd;
};

struct Fixture {
  Fixture() { REQUIRE(table.open(4, 8)); }

  Verdict put(std::uint64_t key, pid_t pid, int pidfd, Type type = Type::register_run) {
    Incoming incoming(type, key, pidfd >= 0 ? kFdPidfd : 0U, pid, pidfd);
    return table.put_run(incoming.packet, run);
  }

  Table table;
  TableRecord* run = nullptr;
  Process process;
};

TEST_CASE_FIXTURE(Fixture, "keeper table: a run is found by key and by the pid of its process") {
  REQUIRE(put(5, process.pid, process.pidfd.get()) == Verdict::stored);
  CHECK(run == table.runs.find(5));
  CHECK(run == table.runs.find_pid(process.pid));
  CHECK(run->label[0] == '5');
  CHECK((run->flags & kRunForeign) == 0);
}

TEST_CASE_FIXTURE(Fixture, "keeper table: keys and pids in use and key 0 are refused") {
  REQUIRE(put(5, process.pid, process.pidfd.get()) == Verdict::stored);
  const Process other;
  CHECK(put(5, other.pid, other.pidfd.get()) == Verdict::refused);
  CHECK(put(6, process.pid, process.pidfd.get()) == Verdict::refused);
  CHECK(put(0, other.pid, other.pidfd.get()) == Verdict::refused);
  CHECK(table.runs.used() == 1);
}

TEST_CASE_FIXTURE(Fixture, "keeper table: a full table refuses and keeps what it has") {
  for (std::uint64_t key = 1; key <= 4; ++key) {
    REQUIRE(put(key, 0, process.pidfd.get(), Type::adopt_run) == Verdict::stored);
  }
  CHECK(put(5, 0, process.pidfd.get(), Type::adopt_run) == Verdict::refused);
  table.record_exit(table.runs.find(2), {CLD_EXITED, 0});
  table.ack_exit(2, 1);
  CHECK(put(5, 0, process.pidfd.get(), Type::adopt_run) == Verdict::stored);
  CHECK(table.runs.find(4) != nullptr);
}

TEST_CASE_FIXTURE(Fixture,
                  "keeper table: a stranger's pid makes a foreign run, which needs a pidfd") {
  CHECK(put(5, ::getppid(), -1) == Verdict::refused);
  CHECK(put(5, ::getppid(), process.pidfd.get()) == Verdict::stored);
  CHECK((run->flags & kRunForeign) != 0);
  CHECK(run->pid == 0);
}

TEST_CASE_FIXTURE(Fixture, "keeper table: missing descriptors are told and lose their bit") {
  Incoming incoming(Type::register_run, 5, kFdPidfd, process.pid, process.pidfd.get());
  incoming.packet.message.flags = kFdPidfd | kFdStdout | kFdStderr;
  CHECK(table.put_run(incoming.packet, run) == Verdict::stored_bare);
  CHECK((run->flags & kFdMask) == kFdPidfd);
}

TEST_CASE_FIXTURE(Fixture, "keeper table: an exit stays until its own acknowledgement") {
  REQUIRE(put(5, process.pid, process.pidfd.get()) == Verdict::stored);
  table.record_exit(run, {CLD_KILLED, SIGSEGV});
  CHECK(table.runs.find_pid(process.pid) == nullptr);
  CHECK(table.runs.find_exit_after(0) == run);
  CHECK(table.runs.find_exit_after(run->exit_seq) == nullptr);
  table.ack_exit(5, run->exit_seq + 1);
  table.ack_exit(6, run->exit_seq);
  CHECK(table.runs.find(5) == run);
  table.ack_exit(5, run->exit_seq);
  CHECK(table.runs.find(5) == nullptr);
}

TEST_CASE_FIXTURE(Fixture, "keeper table: a live run cannot be acknowledged away") {
  REQUIRE(put(5, process.pid, process.pidfd.get()) == Verdict::stored);
  table.ack_exit(5, 0);
  CHECK(table.runs.find(5) != nullptr);
}

TEST_CASE_FIXTURE(Fixture, "keeper table: exits come in the order of their numbers") {
  for (std::uint64_t key = 1; key <= 3; ++key)
    put(key, 0, process.pidfd.get(), Type::adopt_run);
  for (const std::uint64_t key : {3, 1, 2})
    table.record_exit(table.runs.find(key), {});
  std::vector<std::uint64_t> order;
  std::uint64_t seq = 0;
  while (const TableRecord* next = table.runs.find_exit_after(seq)) {
    order.push_back(next->key);
    seq = next->exit_seq;
  }
  CHECK(order == std::vector<std::uint64_t>{3, 1, 2});
}

TEST_CASE_FIXTURE(Fixture, "keeper table: an entry is replaced, with its descriptor, and dropped") {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const UniqueFd reader(pipe[0]);
  UniqueFd writer(pipe[1]);
  {
    Incoming incoming(Type::store, 9, 1, 0, writer.get());
    REQUIRE(table.put_entry(incoming.packet) == Verdict::stored);
  }
  writer.reset();
  CHECK_FALSE(wait_for(reader.get(), 0, 0));  // the table holds the write end
  Incoming replacement(Type::store, 9);
  REQUIRE(table.put_entry(replacement.packet) == Verdict::stored);
  char byte = 0;
  CHECK(::read(reader.get(), &byte, 1) == 0);
  CHECK(table.entries.used() == 1);
  table.drop_entry(9);
  table.drop_entry(9);
  CHECK(table.entries.used() == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "keeper table: descriptors are dropped, but not what a death is seen by") {
  Incoming incoming(Type::adopt_run, 5, kFdPidfd | kFdStdout, 0, process.pidfd.get());
  REQUIRE(table.put_run(incoming.packet, run) == Verdict::stored);
  table.drop_run_fds(5, kFdMask);
  CHECK((run->flags & kFdMask) == kFdPidfd);
  table.record_exit(run, {});
  table.drop_run_fds(5, kFdMask);
  CHECK((run->flags & kFdMask) == 0);
}

TEST_CASE("keeper shelf: places are used again, lowest first, and records do not move") {
  Shelf shelf;
  REQUIRE(shelf.open(100));
  for (std::uint64_t key = 1; key <= 100; ++key)
    REQUIRE(shelf.add(key) != nullptr);
  CHECK(shelf.add(101) == nullptr);
  TableRecord* const last = shelf.find(100);
  TableRecord* const third = shelf.find(3);
  shelf.remove(third);
  shelf.remove(shelf.find(50));
  CHECK(shelf.add(101) == third);
  CHECK(shelf.find(100) == last);
  std::uint32_t seen = 0;
  std::uint32_t at = 0;
  while (shelf.at_or_after(at) != nullptr)
    ++seen, ++at;
  CHECK(seen == 99);
  CHECK(shelf.used() == 99);
  for (std::uint64_t key = 1; key <= 101; ++key) {
    if (TableRecord* record = shelf.find(key)) shelf.remove(record);
  }
  CHECK(shelf.used() == 0);
  CHECK(shelf.add(7) != nullptr);
}

}  // namespace
}  // namespace roost::keeper
