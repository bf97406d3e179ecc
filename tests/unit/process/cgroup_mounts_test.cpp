#include "daemon/process/cgroup_mounts.h"

#include <doctest/doctest.h>

using namespace roost::daemon;

namespace {
constexpr char kHybrid[] =
    "24 1 0:22 / /proc rw - proc proc rw\n"
    "30 23 0:26 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
    "31 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 23 0:28 / /sys/fs/cgroup/free\\040zer rw - cgroup cgroup rw,freezer\n";
constexpr char kOwn[] = "3:freezer:/a\n2:cpu,cpuacct:/b\n1:name=systemd:/c\n0::/user.slice/x:y\n";
}  // namespace

TEST_CASE("cgroup mounts: v2 is found on a hybrid system, v1 by controller") {
  REQUIRE(find_cgroup2_mount(kHybrid));
  CHECK(find_cgroup2_mount(kHybrid)->point == "/sys/fs/cgroup/unified");
  CHECK(find_cgroup1_mount(kHybrid, "freezer")->point == "/sys/fs/cgroup/free zer");
  CHECK(find_cgroup1_mount(kHybrid, "cpuacct")->point == "/sys/fs/cgroup/cpu,cpuacct");
  CHECK_FALSE(find_cgroup1_mount(kHybrid, "pids"));
  CHECK_FALSE(find_cgroup2_mount("24 1 0:22 / /proc rw - proc proc rw\nnonsense\n"));
}

TEST_CASE("cgroup mounts: the own path, which may hold a colon") {
  CHECK(find_cgroup2_path(kOwn) == "/user.slice/x:y");
  CHECK(find_cgroup1_path(kOwn, "cpuacct") == "/b");
  CHECK_FALSE(find_cgroup1_path(kOwn, "pids"));
  CHECK_FALSE(find_cgroup2_path("garbage\n::\n"));
}

TEST_CASE("cgroup mounts: the directory below a mount, which may show a part only") {
  CHECK(cgroup_dir({.point = "/m", .root = "/"}, "/") == "/m");
  CHECK(cgroup_dir({.point = "/m", .root = "/"}, "/a/b") == "/m/a/b");
  CHECK(cgroup_dir({.point = "/m", .root = "/a"}, "/a/b") == "/m/b");
  CHECK(cgroup_dir({.point = "/m", .root = "/a"}, "/a") == "/m");
  CHECK_FALSE(cgroup_dir({.point = "/m", .root = "/a"}, "/ab"));
  CHECK_FALSE(cgroup_dir({.point = "/m", .root = "/a"}, "/c"));
  CHECK_FALSE(cgroup_dir({.point = "/m", .root = "/"}, "/../x"));
}
