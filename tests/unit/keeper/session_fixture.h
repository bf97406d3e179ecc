// A session with a daemon played by the test; time is an argument.
#pragma once

#include <memory>
#include <vector>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeper/session.h"
#include "tests/unit/keeper/harness.h"

namespace roost::keeper {

inline constexpr Millis kStart = 1000000;

struct SessionFixture {
  SessionFixture() {
    REQUIRE(table.open(2000, 5000));
    table.header.epoch = 42;
    connect();
  }

  ~SessionFixture() {
    if (session->socket() >= 0) session->close(now);
    for (std::uint64_t key = 1; key < 2000; ++key) {
      if (TableRecord* run = table.runs.find(key)) table.runs.remove(run);
    }
  }

  void connect() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    daemon.reset(ends[1]);
    session->open(ends[0], now);
  }

  // What the keeper's loop does.
  void turn() {
    session->receive(Session::Depth::polite, now);
    session->pump(now);
  }

  void add_runs(std::uint64_t count) {
    for (std::uint64_t key = 1; key <= count; ++key) {
      TableRecord* run = table.runs.add(key);
      run->flags = kFdStdout;
      run->fds[1] = ::dup(daemon.get());
    }
  }

  // Takes what is there now, answering nothing.
  std::vector<Message> take() {
    std::vector<Message> messages;
    while (wait_for(daemon.get(), POLLIN, 0)) {
      auto received = next_message(daemon.get(), Pong::no);
      if (!received) break;
      messages.push_back(received->message);
    }
    return messages;
  }

  void become_ready() {
    tell(daemon.get(), Type::daemon_hello, 0, 0, kProtocolVersion);
    for (;;) {
      turn();
      bool done = false;
      for (const Message& message : take()) {
        if (message.type == Type::window) tell(daemon.get(), Type::window_ack, 0, message.seq);
        done = done || message.type == Type::ready;
      }
      if (done) break;
    }
    turn();
    REQUIRE(session->ready());
  }

  // The first moment at which the session is overdue, looking every 100 ms.
  Millis overdue_after(Millis limit) {
    for (Millis waited = 0; waited <= limit; waited += 100) {
      turn();
      if (session->overdue(now + waited)) return waited;
    }
    return kNever;
  }

  Table table;
  Millis now = kStart;
  std::unique_ptr<Session> session =
      std::make_unique<Session>(table, -1, Pace{.ping = 4000, .answer = 8000});
  UniqueFd daemon;
};

}  // namespace roost::keeper
