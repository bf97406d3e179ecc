#include "daemon/process/proc_children.h"

#include <algorithm>
#include <csignal>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

using roost::daemon::children_of;

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

TEST_CASE("children: of nobody, and of too many threads, nothing is told") {
  CHECK_FALSE(children_of(0x3fffffff));
  std::vector<std::thread> threads;
  int hold[2];
  REQUIRE(::pipe(hold) == 0);
  for (int i = 0; i < 40; ++i)
    threads.emplace_back([&hold] {
      char byte = 0;
      (void)!::read(hold[0], &byte, 1);
    });
  CHECK_FALSE(children_of(::getpid()));
  ::close(hold[1]);
  for (auto& thread : threads)
    thread.join();
  ::close(hold[0]);
}
