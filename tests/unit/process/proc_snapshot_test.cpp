#include "daemon/process/proc_snapshot.h"

#include <algorithm>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/base/unique_fd.h"

using namespace roost;
using namespace roost::daemon;

TEST_CASE("proc: a stat line whose name holds parentheses and spaces") {
  const auto stat =
      parse_stat("42 (a) b (c) S 7 41 40 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 98765 1 2 3\n");
  REQUIRE(stat);
  CHECK(stat->id == ProcessId{.pid = 42, .start_ticks = 98765});
  CHECK(stat->state == 'S');
  CHECK(stat->ppid == 7);
  CHECK(stat->pgid == 41);
  CHECK(stat->sid == 40);
}

TEST_CASE("proc: a broken stat line is nothing") {
  for (const char* bad : {"", "42", "42 (a", "42 (a) ", "42 (a) S 7 41 40", "x (a) S 7 41 40 0",
                          "42 (a) S x 41 40 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 9 1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_stat(bad));
  }
}

TEST_CASE("proc: a process in exec, or just past it, is told from one without environment") {
  const auto line = [](const char* flags, const char* env_end) {
    std::string text = "42 (a b) R 7 41 40 0 -1 " + std::string(flags);
    for (int field = 10; field <= 50; ++field)
      text += " " + std::to_string(field);
    return text + " " + env_end + " 0\n";
  };
  CHECK(stat_tells_environment(line("4194304", "0")));
  CHECK(stat_tells_environment(line("4194304", "140000000")));
  CHECK_FALSE(stat_tells_environment(line("4194304", "50")));  // begins and ends there
  CHECK_FALSE(stat_tells_environment(line("4194308", "0")));   // exiting
  CHECK_FALSE(stat_tells_environment(line("2129984", "0")));   // kernel thread
  CHECK_FALSE(stat_tells_environment("42 (a) R 7"));
  CHECK_FALSE(stat_tells_environment(""));
}

TEST_CASE("proc: a link to a pipe") {
  CHECK(parse_pipe_link("pipe:[123]") == 123);
  for (const char* bad : {"", "pipe:[]", "pipe:[1x]", "socket:[1]", "/tmp/pipe:[1]", "pipe:[1"})
    CHECK(parse_pipe_link(bad) == 0);
}

TEST_CASE("proc: a snapshot of the whole machine holds this process") {
  const auto snapshot = read_processes(Scope::whole, 0);
  const auto self = std::find_if(snapshot.processes.begin(), snapshot.processes.end(),
                                 [](const ProcInfo& p) { return p.stat.id.pid == ::getpid(); });
  REQUIRE(self != snapshot.processes.end());
  CHECK(self->stat.ppid == ::getppid());
  CHECK(self->stat.id == read_stat(::getpid())->id);
}

TEST_CASE("proc: the inode of a pipe is that of both ends") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd a(ends[0]);
  const UniqueFd b(ends[1]);
  CHECK(pipe_inode(a.get()) != 0);
  CHECK(pipe_inode(a.get()) == pipe_inode(b.get()));
  CHECK(pipe_inode(-1) == 0);
}

TEST_CASE("proc: the boot has an id") {
  CHECK(read_boot_id() != std::array<std::uint8_t, 16>{});
  CHECK(read_boot_id() == read_boot_id());
}
