#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/lock_file.h"
#include "tests/support/temp_dir.h"

namespace roost::cli {

TEST_CASE("lock: one holder at a time, private to the user") {
  const test::TempDir dir;
  const auto path = dir.path() + "/roost.lock";
  const auto before = ::umask(0);
  auto first = try_lock(path);
  ::umask(before);
  REQUIRE(first);
  CHECK(*first);
  const auto second = try_lock(path);
  REQUIRE(second);
  CHECK_FALSE(*second);

  struct stat info {};

  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  first->reset();
  CHECK(*try_lock(path));
}

TEST_CASE("lock: lives on in a program that inherited it") {
  const test::TempDir dir;
  const auto path = dir.path() + "/roost.lock";
  auto lock = try_lock(path);
  REQUIRE(lock);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = 0;
    ::close(ends[1]);
    ::_exit(::read(ends[0], &byte, 1) == 0 ? 0 : 1);
  }
  ::close(ends[0]);
  lock->reset();
  CHECK_FALSE(*try_lock(path));
  ::close(ends[1]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(*try_lock(path));
}

TEST_CASE("lock: a link in its place is not followed, a missing directory is not found") {
  const test::TempDir dir;
  const auto path = dir.path() + "/roost.lock";
  REQUIRE(::symlink("/tmp/elsewhere", path.c_str()) == 0);
  CHECK_FALSE(try_lock(path));
  CHECK(try_lock(dir.path() + "/no/roost.lock").error().code == Errc::not_found);
}

}  // namespace roost::cli
