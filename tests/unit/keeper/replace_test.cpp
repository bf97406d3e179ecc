// The real keeper replaced: in place by an upgrade, and by a new one after its death.
#include <csignal>
#include <filesystem>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/process.h"
#include "keeper/upgrade.h"
#include "tests/unit/keeper/harness.h"

namespace roost::keeper {
namespace {

using puppet::Kind;

// PIDFD_INFO_EXIT: can a stranger learn a status at all on this kernel?
bool kernel_tells_strangers() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(3);
  const UniqueFd pidfd = open_pidfd(pid);
  ::waitpid(pid, nullptr, 0);
  return look_at_pidfd(pidfd.get()).fact.code != 0;
}

Message next_of(int socket, Type type) {
  for (auto received = next_message(socket); received; received = next_message(socket)) {
    if (received->message.type == type) return received->message;
  }
  return Message{};
}

struct Fixture {
  Fixture() {
    home.start_keeper();
    daemon = home.next_daemon();
    epoch = take_over(daemon.socket.get()).hello.key;
  }

  [[nodiscard]] int socket() const { return daemon.socket.get(); }

  Home home;
  Daemon daemon;
  std::uint64_t epoch = 0;
};

TEST_CASE_FIXTURE(Fixture, "keeper upgrade: same pid, same daemon, nothing lost") {
  Child lives = home.start_child(daemon, Kind::run, 1, 21);
  Child dies = home.start_child(daemon, Kind::run, 2, 22);
  REQUIRE(registered(socket(), lives));
  REQUIRE(registered(socket(), dies));
  dies.release.reset();
  const Message exit = next_of(socket(), Type::exit);
  const std::string exe = "/proc/" + std::to_string(home.keeper()) + "/exe";
  const std::string path = home.path() + "/roost-keeper";
  std::filesystem::rename(path, home.path() + "/old");
  std::filesystem::copy_file(home.path() + "/old", path);

  tell(socket(), Type::upgrade);
  const Message upgraded = next_of(socket(), Type::upgraded);
  CHECK(upgraded.value == 0);
  CHECK(upgraded.status == kProtocolVersion);
  CHECK(std::filesystem::read_symlink(exe) == path);  // the new file
  CHECK(home.file("keeper.pid") == std::to_string(home.keeper()) + "\n");
  CHECK_FALSE(wait_for(daemon.pidfd.get(), POLLIN, 0));

  lives.release.reset();  // still a child: its status is exact
  const Message later = next_of(socket(), Type::exit);
  CHECK(later.key == 1);
  CHECK(later.status == 21);
  CHECK(later.seq == exit.seq + 1);
  daemon.kill_hard();
  daemon = home.next_daemon();
  const HandOver got = take_over(socket());
  CHECK(got.hello.key == epoch);
  CHECK(got.hello.seq == 2);
  CHECK(got.runs.size() == 2);
  CHECK(got.exits.size() == 2);
  CHECK(got.runs.at(1).fds.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "keeper upgrade: a program that does not accept the table is not used") {
  const Child child = home.start_child(daemon, Kind::run, 1, 21);
  REQUIRE(registered(socket(), child));
  const std::string path = home.path() + "/roost-keeper";
  std::filesystem::remove(path);
  std::filesystem::copy_file("/bin/false", path);
  tell(socket(), Type::upgrade);
  CHECK(next_of(socket(), Type::upgraded).value == 1);
  std::filesystem::remove(path);
  tell(socket(), Type::upgrade);
  CHECK(next_of(socket(), Type::upgraded).value == 1);
  daemon.kill_hard();
  daemon = home.next_daemon();
  CHECK(take_over(socket()).runs.size() == 1);
  CHECK(home.file("roostd.log").find("upgrade refused") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "keeper: the exit of a foreign run, by its pidfd") {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::pause();
    ::_exit(0);
  }
  const UniqueFd pidfd = open_pidfd(pid);
  put_run(socket(), 8, pid, pidfd.get(), Type::adopt_run);
  REQUIRE(settle(socket()));
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  const Message exit = next_of(socket(), Type::exit);
  CHECK(exit.key == 8);
  CHECK((exit.flags & kRunForeign) != 0);
  const bool known = kernel_tells_strangers();
  CHECK(exit.value == (known ? CLD_KILLED : 0));
  CHECK(exit.status == (known ? SIGKILL : 0));
}

// A process that stays a zombie during the test.
struct Zombie {
  explicit Zombie(int status) : pid(::fork()) {
    if (pid == 0) ::_exit(status);
    pidfd = open_pidfd(pid);
    REQUIRE(wait_for(pidfd.get(), POLLIN));
  }

  ~Zombie() { ::waitpid(pid, nullptr, 0); }

  pid_t pid;
  UniqueFd pidfd;
};

TEST_CASE_FIXTURE(Fixture, "keeper: a failed foreign run that nobody reaps has its status") {
  const Zombie zombie(5);
  put_run(socket(), 8, zombie.pid, zombie.pidfd.get(), Type::adopt_run);
  const Message exit = next_of(socket(), Type::exit);
  CHECK(exit.key == 8);
  CHECK(exit.value == CLD_EXITED);
  CHECK(exit.status == 5);
}

TEST_CASE_FIXTURE(Fixture,
                  "keeper: a foreign run whose status cannot be told from 0 ends as unknown") {
  const Zombie zombie(0);
  put_run(socket(), 8, zombie.pid, zombie.pidfd.get(), Type::adopt_run);
  const Message exit = next_of(socket(), Type::exit);
  CHECK(exit.key == 8);
  CHECK(exit.value == 0);
}

// As roostd does it when the keeper was killed: the table, with itself as the next keeper.
[[noreturn]] void become_keeper_with(const Home& home, Table& table) {
  const int lock = ::open((home.path() + "/lock").c_str(), O_RDWR);
  const int memfd = save_table(table);
  for (const int fd : {memfd, table.header.specs_fd})
    ::fcntl(fd, F_SETFD, 0);
  std::uint32_t at = 0;
  for (TableRecord* run = table.runs.at_or_after(at); run != nullptr;
       run = table.runs.at_or_after(++at)) {
    for (const int fd : run->fds) {
      if (fd >= 0) ::fcntl(fd, F_SETFD, 0);
    }
  }
  const std::string program = home.path() + "/roost-keeper";
  ::execl(program.c_str(), "roost-keeper", "--home", home.path().c_str(), "--daemon",
          (home.path() + "/roostd").c_str(), "--lock-fd", std::to_string(lock).c_str(),
          "--table-fd", std::to_string(memfd).c_str(), nullptr);
  ::_exit(127);
}

TEST_CASE_FIXTURE(Fixture,
                  "keeper: killed, it is replaced from a table; runs live on as foreign ones") {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);  // the orphans come to us
  Child child = home.start_child(daemon, Kind::run, 1, 33);
  REQUIRE(registered(socket(), child));
  const UniqueFd pidfd = open_pidfd(child.pid);
  const UniqueFd specs = make_memfd("specs");
  ::kill(home.keeper(), SIGKILL);
  ::waitpid(home.keeper(), nullptr, 0);
  daemon.kill_hard();
  ::waitpid(daemon.pid, nullptr, 0);

  Table table;
  REQUIRE(table.open(64, 64));
  TableRecord* run = table.runs.add(1);
  run->fds[0] = pidfd.get();
  run->flags = kFdPidfd | kRunForeign;
  table.header.specs_fd = specs.get();
  const pid_t keeper = ::fork();
  if (keeper == 0) become_keeper_with(home, table);
  home.set_keeper(keeper);
  daemon = home.next_daemon();
  const HandOver got = take_over(socket());
  CHECK(got.hello.key != epoch);
  CHECK(got.runs.at(1).message.flags == (kFdPidfd | kRunForeign));
  CHECK(read_all(got.specs.get()) == "specs");
  CHECK(::kill(child.pid, 0) == 0);

  child.release.reset();
  ::waitpid(child.pid, nullptr, 0);
  const Message exit = next_of(socket(), Type::exit);
  CHECK(exit.value == (kernel_tells_strangers() ? CLD_EXITED : 0));
  CHECK(exit.status == (kernel_tells_strangers() ? 33 : 0));
  ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

}  // namespace
}  // namespace roost::keeper
