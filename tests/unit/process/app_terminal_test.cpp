// An app's terminal: what the app finds, and what comes out of it.
#include "daemon/process/app_terminal.h"

#include <string>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/process/proc_snapshot.h"
#include "tests/unit/process/process_fixture.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {

model::AppSpec on_terminal(const std::string& line) {
  model::AppSpec spec = shell(line);
  spec.tty = true;
  return spec;
}

AppTerminal make() {
  int errnum = 0;
  auto terminal = make_app_terminal({}, errnum);
  REQUIRE(terminal);
  return std::move(*terminal);
}

}  // namespace

TEST_CASE("terminal: descriptors 0-2 are one, with its size, and control no session") {
  ProcessFixture fixture;
  auto spec = on_terminal(
      "test -t 0 && test -t 1 && test -t 2 && stty size && echo $TERM && ! true 2>/dev/null "
      "</dev/tty && echo err >&2; "
      "exec sleep 300");
  spec.env["COLUMNS"] = "132";
  const auto run = fixture.spawn(spec);
  REQUIRE_FALSE(run.failure);
  CHECK(read_until(run.err.get(), "err\n") == "24 132\nxterm-256color\nerr\n");
  const auto stat = read_stat(run.pid);
  REQUIRE(stat);
  CHECK(stat->sid == run.pid);
}

TEST_CASE("terminal: it echoes nothing, a line ends as the app ends it, and input never comes") {
  ProcessFixture fixture;
  const auto run =
      fixture.spawn(on_terminal("printf 'a\\nb\\n'; stty -a | tr ' ;' '\\n\\n' | grep -x -e -echo "
                                "-e -onlcr; read x; echo no"));
  REQUIRE_FALSE(run.failure);
  const std::string shown = read_until(run.err.get(), "-echo\n");
  CHECK(shown == "a\nb\n-onlcr\n-echo\n");
  char byte = 0;
  CHECK(::read(run.err.get(), &byte, 1) == -1);
  CHECK(errno == EAGAIN);  // it waits
}

TEST_CASE("terminal: of an app as another user, it is that user's" *
          doctest::skip(::geteuid() != 0)) {
  ProcessFixture fixture;
  auto spec = on_terminal("echo mine >/dev/stderr; echo too >$(tty); exec sleep 300");
  spec.user = "nobody";
  const auto run = fixture.spawn(spec);
  REQUIRE_FALSE(run.failure);
  CHECK(read_until(run.err.get(), "too\n") == "mine\ntoo\n");
}

TEST_CASE("terminal: its master is told from pipes and from other terminals") {
  const AppTerminal one = make();
  const AppTerminal two = make();
  CHECK(terminal_number(one.master.get()));
  CHECK(terminal_number(one.master.get()) != terminal_number(two.master.get()));
  CHECK_FALSE(terminal_number(one.pipe.get()));
  CHECK_FALSE(terminal_number(one.app.get()));
  CHECK_FALSE(terminal_number(-1));
  CHECK(pipe_inode(one.master.get()) != 0);
  CHECK(pipe_inode(one.master.get()) != pipe_inode(two.master.get()));
  CHECK(pipe_inode(one.app.get()) == 0);
}

TEST_CASE("terminal: our ends do not block, the app's does, and none survives exec") {
  const AppTerminal terminal = make();
  CHECK((::fcntl(terminal.pipe.get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(terminal.master.get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(terminal.app.get(), F_GETFL) & O_NONBLOCK) == 0);
  for (const UniqueFd* fd : {&terminal.pipe, &terminal.master, &terminal.app})
    CHECK(::fcntl(fd->get(), F_GETFD) == FD_CLOEXEC);
}
