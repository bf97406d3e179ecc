// The real keeper: daemons die, children do not; exits are exact.
#include <csignal>
#include <cstring>
#include <filesystem>
#include <set>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/keeper/harness.h"

namespace roost::keeper {
namespace {

using puppet::Kind;

std::string proc(pid_t pid, const std::string& name) {
  const UniqueFd fd(
      ::open(("/proc/" + std::to_string(pid) + "/" + name).c_str(), O_RDONLY | O_CLOEXEC));
  std::string content(65536, '\0');
  const ssize_t size = ::read(fd.get(), content.data(), content.size());
  content.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return content;
}

long kilobytes(pid_t pid, const std::string& field) {
  const std::string status = proc(pid, "status");
  const std::size_t at = status.find(field + ":");
  return at == std::string::npos ? 0 : std::stol(status.substr(at + field.size() + 1));
}

void wait_for_death(const Child& child) {
  const UniqueFd pidfd = open_pidfd(child.pid);  // none: it is reaped already
  if (pidfd) REQUIRE(wait_for(pidfd.get(), POLLIN));
}

struct Fixture {
  Fixture() {
    home.start_keeper();
    daemon = home.next_daemon();
    take_over(daemon.socket.get());
  }

  // Kills the daemon and takes over as the next one.
  HandOver replace_daemon() {
    daemon.kill_hard();
    daemon = home.next_daemon();
    return take_over(daemon.socket.get());
  }

  Child start(Kind kind, std::uint64_t key, int status = 0) {
    Child child = home.start_child(daemon, kind, key, status);
    if (kind == Kind::run) REQUIRE(registered(daemon.socket.get(), child));
    return child;
  }

  Message next_exit() {
    for (auto received = next_message(daemon.socket.get()); received;
         received = next_message(daemon.socket.get())) {
      if (received->message.type == Type::exit) return received->message;
    }
    return Message{};
  }

  Home home;
  Daemon daemon;
};

TEST_CASE_FIXTURE(Fixture,
                  "keeper: gives the daemon its socket, the lock and the original limits") {
  const UniqueFd lock(::open((home.path() + "/lock").c_str(), O_RDONLY | O_CLOEXEC));
  CHECK(same_file(daemon.lock.get(), lock.get()));
  const std::string environment = proc(daemon.pid, "environ");
  CHECK(environment.find("ROOST_ORIGINAL=oom=") != std::string::npos);
  std::set<std::string> fds;
  const std::string folder = "/proc/" + std::to_string(daemon.pid) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    fds.insert(entry.path().filename());
  }
  CHECK(fds == std::set<std::string>{"0", "1", "2", "3", "4", "5"});  // 5: its control socket
}

TEST_CASE_FIXTURE(Fixture, "keeper: leaves a private pid file and a name") {
  CHECK(home.file("keeper.pid") == std::to_string(home.keeper()) + "\n");

  struct stat file {};

  REQUIRE(::stat((home.path() + "/keeper.pid").c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0600);
  CHECK(proc(home.keeper(), "comm") == "roost-keeper\n");
}

TEST_CASE_FIXTURE(Fixture, "keeper: hands runs, entries and specs to the next daemon, unharmed") {
  const Child child = start(Kind::run, 11);
  const UniqueFd specs = make_memfd("specs");
  const UniqueFd listener = make_memfd("listener");
  Message message;
  message.type = Type::put_specs;
  message.flags = 1;
  const int specs_fds[kMaxRunFds] = {specs.get(), -1, -1, -1, -1};
  REQUIRE(send_message(daemon.socket.get(), message, specs_fds) == Sent::done);
  message.type = Type::store;
  message.key = 5;
  std::strcpy(reinterpret_cast<char*>(message.label), "counters");
  const int entry_fds[kMaxRunFds] = {listener.get(), -1, -1, -1, -1};
  REQUIRE(send_message(daemon.socket.get(), message, entry_fds) == Sent::done);

  const pid_t before = daemon.pid;
  const HandOver got = replace_daemon();
  CHECK(daemon.pid != before);
  REQUIRE(got.complete);
  CHECK(got.hello.seq == 2);
  CHECK(read_all(got.specs.get()) == "specs");
  REQUIRE(got.entries.count(5) == 1);
  CHECK(label_of(got.entries.at(5).message) == "counters");
  CHECK(same_file(got.entries.at(5).fds.at(0).get(), listener.get()));
  REQUIRE(got.runs.count(11) == 1);
  const Received& run = got.runs.at(11);
  CHECK(label_of(run.message) == "run 11");
  REQUIRE(run.message.flags == (kFdPidfd | kFdStdout));
  char text[6] = {};
  CHECK(::read(run.fds.at(1).get(), text, 5) == 5);
  CHECK(std::string(text) == "hello");
  CHECK_FALSE(wait_for(run.fds.at(0).get(), POLLIN, 0));  // alive
  CHECK(kilobytes(child.pid, "PPid") == home.keeper());
  CHECK(got.exits.empty());
}

TEST_CASE_FIXTURE(Fixture, "keeper: the status of a child that died while no daemon ran is exact") {
  Child exits = start(Kind::run, 1, 42);
  const Child killed = start(Kind::run, 2);
  const UniqueFd first = open_pidfd(exits.pid);
  const UniqueFd second = open_pidfd(killed.pid);
  std::filesystem::rename(home.path() + "/roostd", home.path() + "/away");
  daemon.kill_hard();
  REQUIRE(home.wait_for_log("cannot exec roostd errno=2"));
  exits.release.reset();
  ::kill(killed.pid, SIGTERM);
  REQUIRE(wait_for(first.get(), POLLIN));
  REQUIRE(wait_for(second.get(), POLLIN));
  std::filesystem::rename(home.path() + "/away", home.path() + "/roostd");
  daemon = home.next_daemon();
  std::vector<Message> got = take_over(daemon.socket.get()).exits;
  while (got.size() < 2)
    got.push_back(next_exit());
  for (const Message& exit : got) {
    CHECK(exit.value == (exit.key == 1 ? CLD_EXITED : CLD_KILLED));
    CHECK(exit.status == (exit.key == 1 ? 42 : SIGTERM));
    CHECK(label_of(exit) == "run " + std::to_string(exit.key));
  }
}

TEST_CASE_FIXTURE(Fixture, "keeper: an exit comes again until it is acknowledged, then never") {
  Child child = start(Kind::run, 1, 7);
  child.release.reset();
  const Message exit = next_exit();
  CHECK(exit.status == 7);
  HandOver got = replace_daemon();
  REQUIRE(got.exits.size() == 1);
  CHECK(got.exits[0].seq == exit.seq);
  CHECK(got.hello.key != 0);
  tell(daemon.socket.get(), Type::ack_exit, 1, exit.seq);
  got = replace_daemon();  // the acknowledgement was read, although its sender died
  CHECK(got.exits.empty());
  CHECK(got.runs.empty());
}

TEST_CASE_FIXTURE(Fixture, "keeper: a child that dies right after it registered is known") {
  constexpr int kCount = 300;
  for (int i = 1; i <= kCount; ++i)
    start(Kind::brief, static_cast<std::uint64_t>(i), i % 200);
  for (int i = 1; i <= kCount; ++i) {
    const Message exit = next_exit();
    REQUIRE(exit.key > 0);
    CHECK(exit.status == static_cast<int>(exit.key % 200));
    tell(daemon.socket.get(), Type::ack_exit, exit.key, exit.seq);
  }
  CHECK(replace_daemon().ready.seq == 0);  // no run was taken for a stranger
}

TEST_CASE_FIXTURE(Fixture,
                  "keeper: registrations count although their daemon died before they were read") {
  ::kill(home.keeper(), SIGSTOP);
  const Child lives = home.start_child(daemon, Kind::run, 1);
  const Child dies = home.start_child(daemon, Kind::brief, 2, 9);
  wait_for_death(dies);
  REQUIRE(wait_for(lives.result.get(), POLLIN));
  daemon.kill_hard();
  ::kill(home.keeper(), SIGCONT);
  daemon = home.next_daemon();
  const HandOver got = take_over(daemon.socket.get());
  CHECK(got.runs.size() == 2);
  const Message exit = got.exits.empty() ? next_exit() : got.exits[0];
  CHECK(exit.key == 2);
  CHECK(exit.status == 9);
  CHECK(got.ready.seq == 0);
}

TEST_CASE_FIXTURE(Fixture, "keeper: reads registrations before it says whose death it sees") {
  // Of a keeper stopped while it waits, the signals become readable first, then the socket.
  tell(daemon.socket.get(), Type::store, 1);
  REQUIRE(settle(daemon.socket.get()));
  ::kill(home.keeper(), SIGSTOP);
  for (const Kind kind : {Kind::stranger, Kind::brief}) {
    const Child child = home.start_child(daemon, kind, 1, 9);
    wait_for_death(child);
  }
  ::kill(home.keeper(), SIGCONT);
  const Message exit = next_exit();
  CHECK(exit.key == 1);
  CHECK(exit.status == 9);
  CHECK(replace_daemon().ready.seq == 1);
}

TEST_CASE_FIXTURE(Fixture, "keeper: a child that comes too late gets EPIPE") {
  Child late = start(Kind::late, 1);
  CHECK(replace_daemon().complete);
  late.release.reset();
  std::int32_t error = 0;
  REQUIRE(wait_for(late.result.get(), POLLIN));
  REQUIRE(::read(late.result.get(), &error, sizeof error) == sizeof error);
  CHECK(error == EPIPE);
  wait_for_death(late);
  const HandOver got = replace_daemon();
  CHECK(got.runs.empty());
  CHECK(got.ready.seq == 1);  // it is one of the strangers now
}

TEST_CASE_FIXTURE(Fixture, "keeper: children that are no runs are reaped and counted") {
  for (int i = 0; i < 20; ++i) {
    wait_for_death(start(Kind::stranger, 0));
  }
  Child marker = start(Kind::run, 1);
  marker.release.reset();
  next_exit();
  const HandOver got = replace_daemon();
  CHECK(got.ready.seq == 20);
}

TEST_CASE_FIXTURE(Fixture, "keeper: hands over 1,000 runs in windows and stays small") {
  int release[2];
  REQUIRE(::pipe2(release, O_CLOEXEC) == 0);
  UniqueFd reader(release[0]);
  const UniqueFd writer(release[1]);
  const long empty = kilobytes(home.keeper(), "VmRSS");
  for (std::uint64_t key = 1; key <= 1000; ++key) {
    const Child child = home.start_child(daemon, Kind::run, key, 0, reader.get());
    REQUIRE(wait_for(child.result.get(), POLLIN));
  }
  const auto begin = std::chrono::steady_clock::now();
  const HandOver got = replace_daemon();
  const auto took = std::chrono::steady_clock::now() - begin;
  REQUIRE(got.complete);
  CHECK(got.runs.size() == 1000);
  CHECK(got.windows == 31);
  CHECK(got.most_between_windows <= 34);  // hello, 32 runs, window
  const long full = kilobytes(home.keeper(), "VmRSS");
  MESSAGE("kill to ready with 1,000 runs: "
          << std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
          << " ms; RSS empty " << empty << " kB, with 1,000 runs " << full << " kB");
}

TEST_CASE_FIXTURE(Fixture, "keeper: quit ends it with the daemon, when no run is left") {
  Child child = start(Kind::run, 1);
  tell(daemon.socket.get(), Type::quit);
  HandOver got = replace_daemon();  // a run is left: the daemon is started again
  CHECK(got.runs.size() == 1);
  child.release.reset();
  const Message exit = next_exit();
  tell(daemon.socket.get(), Type::ack_exit, 1, exit.seq);
  tell(daemon.socket.get(), Type::quit);
  daemon.kill_hard();
  CHECK(home.wait_for_keeper() == 0);
  CHECK_FALSE(std::filesystem::exists(home.path() + "/keeper.pid"));
}

TEST_CASE_FIXTURE(Fixture, "keeper: SIGTERM is passed to the daemon, also to the next one") {
  const Child child = start(Kind::run, 1);
  ::kill(home.keeper(), SIGTERM);
  REQUIRE(wait_for(daemon.pidfd.get(), POLLIN));  // the fake one dies of it
  daemon = home.next_daemon();
  CHECK_FALSE(wait_for(daemon.pidfd.get(), POLLIN, 0));  // not before it can handle it
  const HandOver got = take_over(daemon.socket.get());
  CHECK(got.runs.size() == 1);
  REQUIRE(wait_for(daemon.pidfd.get(), POLLIN));
}

TEST_CASE_FIXTURE(Fixture, "keeper: SIGTERM with nothing to keep ends it") {
  ::kill(home.keeper(), SIGTERM);
  CHECK(home.wait_for_keeper() == 0);
}

TEST_CASE("keeper: a new daemon that crashes at once gives way to the one before it") {
  Home home;
  home.start_keeper();
  Daemon daemon = home.next_daemon();
  take_over(daemon.socket.get());
  const std::string path = home.path() + "/roostd";
  // It has to be up for 5 s to count as proved; nothing can be waited for but its log of time.
  REQUIRE_FALSE(wait_for(daemon.pidfd.get(), POLLIN, 5200));
  std::filesystem::remove(path);
  std::filesystem::copy_file("/bin/false", path);
  daemon.kill_hard();
  daemon = home.next_daemon();
  CHECK(take_over(daemon.socket.get()).complete);
  CHECK(home.file("roostd.log").find("starting the one before crashes=3") != std::string::npos);
}

}  // namespace
}  // namespace roost::keeper
