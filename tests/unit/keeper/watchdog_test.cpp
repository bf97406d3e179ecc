// The real keeper with a daemon that hangs.
#include <csignal>
#include <cstdlib>

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include "tests/unit/keeper/harness.h"

namespace roost::keeper {
namespace {

const std::vector<std::string> kQuick = {"--ping-ms", "50", "--pong-limit-ms", "200"};

TEST_CASE("keeper watchdog: a stopped daemon is killed and replaced, its runs live on") {
  Home home;
  home.start_keeper(kQuick);
  Daemon daemon = home.next_daemon();
  take_over(daemon.socket.get());
  const Child child = home.start_child(daemon, puppet::Kind::run, 1);
  ::kill(daemon.pid, SIGSTOP);  // and the test, which speaks for it, answers nothing
  REQUIRE(wait_for(daemon.pidfd.get(), POLLIN));
  const pid_t stopped = daemon.pid;
  daemon = home.next_daemon();
  CHECK(daemon.pid != stopped);
  const HandOver got = take_over(daemon.socket.get());
  CHECK(got.runs.count(1) == 1);
  CHECK(::kill(child.pid, 0) == 0);
  CHECK(
      home.file("roostd.log").find("does not answer, killing it pid=" + std::to_string(stopped)) !=
      std::string::npos);
}

TEST_CASE("keeper watchdog: a daemon that never says hello is killed") {
  Home home;
  home.start_keeper(kQuick);
  const Daemon daemon = home.next_daemon();
  CHECK(wait_for(daemon.pidfd.get(), POLLIN));
  CHECK(home.next_daemon().pid != daemon.pid);
}

TEST_CASE("keeper watchdog: an answering daemon is left alone") {
  Home home;
  home.start_keeper(kQuick);
  const Daemon daemon = home.next_daemon();
  take_over(daemon.socket.get());
  home.start_child(daemon, puppet::Kind::run, 1);
  int pings = 0;
  while (pings < 10) {
    const auto received = next_message(daemon.socket.get(), Pong::no);
    REQUIRE(received);
    if (received->message.type != Type::ping) continue;
    tell(daemon.socket.get(), Type::pong, 0, received->message.seq);
    ++pings;
  }
  CHECK_FALSE(wait_for(daemon.pidfd.get(), POLLIN, 0));
}

TEST_CASE("keeper watchdog: ROOST_WATCHDOG=off lets a silent daemon live") {
  ::setenv("ROOST_WATCHDOG", "off", 1);
  Home home;
  home.start_keeper({"--ping-ms", "20", "--pong-limit-ms", "40"});
  ::unsetenv("ROOST_WATCHDOG");
  const Daemon daemon = home.next_daemon();
  home.start_child(daemon, puppet::Kind::run, 1);
  // Ten times the limit: the wait is the test.
  CHECK_FALSE(wait_for(daemon.pidfd.get(), POLLIN, 400));
}

}  // namespace
}  // namespace roost::keeper
