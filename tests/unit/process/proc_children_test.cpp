#include "daemon/process/proc_children.h"

#include <algorithm>
#include <csignal>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/process/process_fixture.h"

using roost::daemon::children_of;
using roost::daemon::descendants;
using roost::daemon::test::eventually;

namespace {

pid_t fork_sleeper() {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::pause();
  ::_exit(0);
}

void end(pid_t pid) {
  REQUIRE(pid > 1);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

std::vector<pid_t> sorted_children() {
  auto pids = children_of(::getpid());
  REQUIRE(pids);
  std::sort(pids->begin(), pids->end());
  return *pids;
}

}  // namespace

TEST_CASE("children: of every thread, until they are reaped") {
  const auto before = sorted_children();
  pid_t of_another_thread = 0;
  const pid_t of_this_thread = fork_sleeper();
  bool seen = false;
  std::thread([&] {
    of_another_thread = fork_sleeper();
    const auto now = sorted_children();
    seen = now.size() == before.size() + 2 &&
           std::binary_search(now.begin(), now.end(), of_this_thread) &&
           std::binary_search(now.begin(), now.end(), of_another_thread);
  }).join();
  CHECK(seen);
  end(of_this_thread);
  end(of_another_thread);
  CHECK(sorted_children() == before);
}

TEST_CASE("children: of nobody nothing is told") {
  CHECK_FALSE(children_of(0x3fffffff));
  CHECK(descendants(0x3fffffff, 10).empty());
}

TEST_CASE("descendants: of children, too, and no more than wanted") {
  const pid_t parent = ::fork();
  if (parent == 0) {
    (void)fork_sleeper();
    ::pause();
    ::_exit(0);
  }
  REQUIRE(eventually([parent] { return descendants(parent, 10).size() == 1; }));
  const pid_t grandchild = descendants(parent, 10).front();
  const auto all = descendants(::getpid(), 1000);
  CHECK(std::count(all.begin(), all.end(), parent) == 1);
  CHECK(std::count(all.begin(), all.end(), grandchild) == 1);
  CHECK(descendants(::getpid(), 1).size() == 1);
  REQUIRE(grandchild > 1);
  ::kill(grandchild, SIGKILL);
  end(parent);
}
