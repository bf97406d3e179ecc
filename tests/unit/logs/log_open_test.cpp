#include "daemon/logs/log_open.h"

#include <doctest/doctest.h>

#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

TEST_CASE("log open: refuses what is not a plain file of its own") {
  TempDir dir;
  const std::string path = dir / "app.log";
  const auto open_errno = [&] { return open_log(LogTarget{path, {}}).errnum; };
  SUBCASE("a symbolic link") {
    REQUIRE(::symlink("elsewhere", path.c_str()) == 0);
    CHECK(open_errno() == ELOOP);
  }
  SUBCASE("a FIFO, without hanging") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK(open_errno() == ENXIO);
    const UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    CHECK(open_errno() == EINVAL);
  }
  SUBCASE("a file with a second name") {
    std::ofstream(dir / "other") << "x";
    REQUIRE(::link((dir / "other").c_str(), path.c_str()) == 0);
    CHECK(open_errno() == EMLINK);
  }
  SUBCASE("a directory") {
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    CHECK(open_errno() == EISDIR);
  }
  CHECK(is_refusal(open_errno()));
  CHECK(open_log(LogTarget{"/dev/zero", {}}).errnum == EINVAL);
  CHECK(open_log(LogTarget{"/dev/null", {}}).discards);
}

TEST_CASE("log open: below a directory of a user the way is that user's") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: needs root");
    return;
  }
  TempDir dir;
  REQUIRE(::mkdir((dir / "theirs").c_str(), 0755) == 0);
  REQUIRE(::mkdir((dir / "theirs/root").c_str(), 0755) == 0);
  REQUIRE(::mkdir((dir / "group").c_str(), 0755) == 0);
  REQUIRE(::chown((dir / "theirs").c_str(), 65534, 100) == 0);
  REQUIRE(::chown((dir / "group").c_str(), 65534, 0) == 0);
  REQUIRE(::symlink("/", (dir / "link").c_str()) == 0);
  REQUIRE(::lchown((dir / "link").c_str(), 65534, 65534) == 0);
  CHECK_FALSE(owner_of_way(dir / "app.log"));
  CHECK_FALSE(owner_of_way(dir / "none/app.log"));
  REQUIRE(owner_of_way(dir / "theirs/root/none/app.log"));
  CHECK(owner_of_way(dir / "theirs/root/none/app.log")->uid == 65534);
  CHECK(owner_of_way(dir / "theirs/app.log")->gid == 100);
  CHECK(owner_of_way(dir / "group/app.log")->gid != 0);
  CHECK(owner_of_way(dir / "link/root/app.log")->uid == 65534);
}

TEST_CASE("log open: with an owner it has that user's rights and no more") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: needs root");
    return;
  }
  TempDir dir;
  const FileOwner nobody{65534, 65534};
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  CHECK(open_log(LogTarget{dir / "app.log", nobody}).errnum == EACCES);
  REQUIRE(::mkdir((dir / "theirs").c_str(), 0755) == 0);
  REQUIRE(::chown((dir / "theirs").c_str(), 65534, 65534) == 0);
  const OpenedLog log = open_log(LogTarget{dir / "theirs/sub/app.log", nobody});
  REQUIRE(log.fd);

  struct stat st {};

  REQUIRE(::fstat(log.fd.get(), &st) == 0);
  CHECK(st.st_uid == 65534);
  CHECK((st.st_mode & 07777) == 0600);
  // A link their directory holds leads nowhere they could not go.
  REQUIRE(::mkdir((dir / "private").c_str(), 0700) == 0);
  REQUIRE(::symlink("../private", (dir / "theirs/trap").c_str()) == 0);
  CHECK(open_log(LogTarget{dir / "theirs/trap/x.log", nobody}).errnum == EACCES);
  CHECK(open_log(LogTarget{dir / "private/x.log", {}}).fd);  // and this thread is itself again
}
