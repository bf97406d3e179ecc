#include "daemon/process/memory_groups.h"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <stdlib.h>

using namespace roost;
using namespace roost::daemon;

namespace {

// A directory with files in it, in place of a cgroup.
class Fixture {
 public:
  Fixture() {
    char name[] = "/tmp/roost-memory-XXXXXX";
    path_ = ::mkdtemp(name);
  }

  ~Fixture() { std::filesystem::remove_all(path_); }

  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  void put(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
  }

  [[nodiscard]] std::string get(const std::string& name) const {
    std::ifstream file(path_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("memory groups: with cgroup v2 the lane itself is limited, and killed as a whole") {
  const Fixture lane;
  for (const char* file : {"memory.max", "memory.oom.group", "memory.swap.max"})
    lane.put(file, "");
  lane.put("memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill 3\noom_group_kill 1\n");
  MemoryGroups groups(CgroupKind::v2, "/nowhere");
  const auto made =
      groups.make({.number = 1, .kind = CgroupKind::v2, .dir = lane.path()}, {}, 64U << 20U);
  REQUIRE(made);
  CHECK(lane.get("memory.max") == "67108864");
  CHECK(lane.get("memory.oom.group") == "1");
  CHECK(lane.get("memory.swap.max") == "0");
  CHECK(made->procs().empty());
  CHECK(oom_kills(*made) == 3);
}

TEST_CASE("memory groups: a lane without the controller is an error") {
  const Fixture lane;
  MemoryGroups groups(CgroupKind::v2, "/nowhere");
  CHECK_FALSE(
      groups.make({.number = 1, .kind = CgroupKind::v2, .dir = lane.path()}, {}, 1U << 20U));
  CHECK_FALSE(
      groups.make({.number = 1, .kind = CgroupKind::v1, .dir = lane.path()}, {}, 1U << 20U));
  CHECK_FALSE(groups.make({}, {}, 1U << 20U));
}

TEST_CASE("memory groups: with cgroup v1 it is a group beside the lane") {
  const Fixture root;
  std::filesystem::create_directory(root.path() + "/7.2");
  root.put("7.2/memory.limit_in_bytes", "");
  root.put("7.2/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  MemoryGroups groups(CgroupKind::v1, root.path());
  const Lane lane{.number = 2, .kind = CgroupKind::v2, .dir = "/lane"};
  const auto made = groups.make(lane, model::InstanceId{7}, 1U << 20U);
  REQUIRE(made);
  CHECK(made->dir == root.path() + "/7.2");
  CHECK(made->procs() == root.path() + "/7.2/cgroup.procs");
  CHECK(root.get("7.2/memory.limit_in_bytes") == "1048576");
  CHECK(oom_kills(*made) == 2);
  CHECK(groups.problem().empty());
}

TEST_CASE("memory groups: without any there is a reason") {
  MemoryGroups groups(CgroupKind::none, "");
  CHECK_FALSE(groups.find({.number = 1, .kind = CgroupKind::v2, .dir = "/x"}, {}));
  CHECK(oom_kills({}) == 0);
  groups.report("why");
  CHECK(groups.problem() == "why");
}
