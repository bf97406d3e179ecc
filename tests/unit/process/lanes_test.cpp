#include "daemon/process/lanes.h"

#include <csignal>
#include <filesystem>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/model/limits.h"
#include "daemon/process/lane_files.h"
#include "tests/unit/process/process_fixture.h"
#include "tests/unit/process/test_keeper.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {

constexpr model::InstanceId kInstance{7};

}  // namespace

TEST_CASE("lanes: an app lives in its lane from its first instruction, and so do its children") {
  with_each_kind_of_lanes([](Lanes& lanes, const std::string&) {
    ProcessFixture fixture;
    const Lane lane = lanes.acquire(kInstance);
    REQUIRE(lane);
    CHECK_FALSE(lanes.populated(kInstance, lane));
    const auto run = fixture.spawn(
        shell("env -i setsid sleep 300 >/dev/null 2>&1 & echo $!; exec sleep 300"), lane);
    REQUIRE_FALSE(run.failure);
    const pid_t child = std::stoi(read_until(run.out.get(), "\n"));
    CHECK(run.label.lane == 1);
    CHECK(test_keeper().wait_registered(run.run)->lane == 1);
    CHECK(lanes.populated(kInstance, lane));
    CHECK(lane_pids(lane, 100).size() == 2);
    CHECK(lane_of(run.pid, home_id()).dir == lane.dir);
    CHECK(lane_of(child, home_id()).number == 1);
    CHECK_FALSE(lane_of(::getpid(), home_id()));
    CHECK_FALSE(lane_of(run.pid, "another"));
    REQUIRE(kill_lane(lane, ::getppid()));
    CHECK(eventually([&] { return !lanes.populated(kInstance, lane); }));
    REQUIRE(test_keeper().wait_exit(run.run));
  });
}

TEST_CASE("lanes: one is used again when it is empty, another is taken while it is not") {
  with_each_kind_of_lanes([](Lanes& lanes, const std::string&) {
    ProcessFixture fixture;
    const Lane first = lanes.acquire(kInstance);
    CHECK(first.number == 1);
    CHECK(lanes.acquire(kInstance).number == 2);  // held, though empty
    lanes.release(kInstance, 2);
    const auto run = fixture.spawn(direct("/bin/sleep", {"300"}), first);
    REQUIRE_FALSE(run.failure);
    lanes.release(kInstance, 1);
    CHECK(lanes.acquire(kInstance).number == 2);  // 1 is populated
    REQUIRE(kill_lane(first, ::getppid()));
    REQUIRE(eventually([&] { return !lanes.populated(kInstance, first); }));
    CHECK(lanes.acquire(kInstance).number == 1);
    REQUIRE(test_keeper().wait_exit(run.run));
  });
}

TEST_CASE("lanes: what is looked at again and again stays open, as long as the lane is roost's") {
  with_each_kind_of_lanes([](Lanes& lanes, const std::string&) {
    ProcessFixture fixture;
    const Lane lane = lanes.acquire(kInstance);
    CHECK(lanes.directory(kInstance, lane) == nullptr);
    CHECK_FALSE(lanes.populated(kInstance, lane, Lanes::Keep::nothing));
    CHECK(lanes.directory(kInstance, lane) == nullptr);
    CHECK_FALSE(lanes.populated(kInstance, lane, Lanes::Keep::open));
    if (lane.kind == CgroupKind::v1) return;  // what is asked of it is not one file
    REQUIRE(lanes.directory(kInstance, lane) != nullptr);
    const auto run = fixture.spawn(direct("/bin/sleep", {"300"}), lane);
    REQUIRE_FALSE(run.failure);
    CHECK(lanes.populated(kInstance, lane));
    REQUIRE(kill_lane(lane, ::getppid()));
    CHECK(eventually([&] { return !lanes.populated(kInstance, lane); }));
    REQUIRE(test_keeper().wait_exit(run.run));
    lanes.release(kInstance, lane.number, Lanes::Seen::empty);
    CHECK(lanes.directory(kInstance, lanes.acquire(kInstance)) != nullptr);
    lanes.release(kInstance, lane.number, Lanes::Seen::unknown);  // it is made anew
    CHECK(lanes.directory(kInstance, lanes.acquire(kInstance)) == nullptr);
    CHECK_FALSE(lanes.populated(kInstance, lane, Lanes::Keep::open));
    lanes.let_go();
    CHECK(lanes.directory(kInstance, lane) == nullptr);
  });
}

TEST_CASE("lanes: no more stay open than there is a limit for") {
  with_each_kind_of_lanes([](Lanes& lanes, const std::string&) {
    std::size_t open = 0;
    for (std::uint32_t i = 0; i < model::limits::kMaxKeptOutputs + 4; ++i) {
      const model::InstanceId id{100 + i};
      const Lane lane = lanes.acquire(id);
      CHECK_FALSE(lanes.populated(id, lane, Lanes::Keep::open));
      if (lanes.directory(id, lane) != nullptr) ++open;
    }
    CHECK(open == (lanes.kind() == CgroupKind::v2 ? model::limits::kMaxKeptOutputs : 0));
  });
}

TEST_CASE("lanes: the next daemon finds a lane by its number") {
  with_each_kind_of_lanes([](Lanes& lanes, const std::string&) {
    ProcessFixture fixture;
    const Lane lane = lanes.acquire(kInstance);
    const auto run = fixture.spawn(direct("/bin/sleep", {"300"}), lane);
    REQUIRE_FALSE(run.failure);
    const std::string parent = std::filesystem::path(lane.dir).parent_path().parent_path();
    Lanes next = Lanes::open_at(lanes.kind(), parent, home_id());
    CHECK(next.find(kInstance, run.label.lane).dir == lane.dir);
    CHECK(next.populated(kInstance, next.find(kInstance, run.label.lane)));
    CHECK_FALSE(next.find(kInstance, 0));
    CHECK(next.acquire(kInstance).number == 2);
    REQUIRE(kill_lane(lane, ::getppid()));
    REQUIRE(eventually([&] { return !lanes.populated(kInstance, lane); }));
    REQUIRE(test_keeper().wait_exit(run.run));
  });
}

TEST_CASE("lanes: an app of another user is born in its lane, too") {
  if (::geteuid() != 0) return;
  with_each_kind_of_lanes([](Lanes& lanes, const std::string&) {
    ProcessFixture fixture;
    const Lane lane = lanes.acquire(kInstance);
    auto spec = direct("/bin/sleep", {"300"});
    spec.user = "nobody";
    const auto run = fixture.spawn(spec, lane);
    REQUIRE_FALSE(run.failure);
    CHECK(lane_pids(lane, 10) == std::vector<pid_t>{run.pid});
    CHECK(status_field(run.pid, "Uid").starts_with("65534"));
    REQUIRE(kill_lane(lane, ::getppid()));
    REQUIRE(eventually([&] { return !lanes.populated(kInstance, lane); }));
    REQUIRE(test_keeper().wait_exit(run.run));
  });
}

TEST_CASE("lanes: there is an end to the lanes of an instance") {
  with_each_kind_of_lanes([](Lanes& lanes, const std::string&) {
    for (std::uint32_t i = 1; i <= Lanes::kMaxPerInstance; ++i)
      CHECK(lanes.acquire(kInstance).number == i);
    CHECK_FALSE(lanes.acquire(kInstance));
    lanes.remove(kInstance);
    CHECK(lanes.acquire(kInstance).number == 1);
  });
}

TEST_CASE("lanes: cgroups that an app made within its lane go with it") {
  with_each_kind_of_lanes([](Lanes& lanes, const std::string&) {
    const Lane lane = lanes.acquire(kInstance);
    REQUIRE(::mkdir((lane.dir + "/own").c_str(), 0755) == 0);
    lanes.remove(kInstance);
    CHECK_FALSE(std::filesystem::exists(lane.dir));
  });
}

TEST_CASE("lanes: a lane that holds roost itself is not killed") {
  // The directory of this process's own cgroup, dressed up as a lane.
  for (const CgroupPlace& place : find_cgroup_places(read_cgroup_texts("self"))) {
    const Lane own{.number = 1, .kind = place.kind, .dir = place.dir};
    CHECK_FALSE(kill_lane(own, ::getppid()));
    break;
  }
}

TEST_CASE("lanes: none where no cgroup can be made, and everything answers") {
  Lanes lanes = Lanes::open_at(CgroupKind::v2, "/proc/nowhere", home_id());
  CHECK(lanes.kind() == CgroupKind::none);
  CHECK(lanes.why().find("/proc/nowhere") != std::string::npos);
  CHECK_FALSE(lanes.acquire(kInstance));
  CHECK_FALSE(lanes.populated(kInstance, {}));
  CHECK(lane_pids({}, 10).empty());
  CHECK_FALSE(kill_lane({}, 1));
  lanes.release(kInstance, 1);
  lanes.remove(kInstance);
  lanes.remove_all();
}

TEST_CASE("lanes: a lane that vanished does not keep the app from starting") {
  ProcessFixture fixture;
  for (const CgroupKind kind : {CgroupKind::v1, CgroupKind::v2}) {
    const auto run = fixture.spawn(direct("/bin/sleep", {"300"}),
                                   {.number = 1, .kind = kind, .dir = "/proc/nowhere"});
    REQUIRE_FALSE(run.failure);
    CHECK(run.label.lane == 0);
    CHECK(test_keeper().wait_registered(run.run)->lane == 0);
  }
}
