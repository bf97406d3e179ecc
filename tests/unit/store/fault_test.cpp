#include <filesystem>

#include <sqlite3.h>

#include "tests/unit/store/fault_vfs.h"
#include "tests/unit/store/store_fixture.h"

using namespace roost;
using namespace roost::store;
using model::InstanceId;

namespace {

struct FaultFixture : StoreFixture {
  FaultFixture() { heal(); }

  ~FaultFixture() {
    store.reset();
    heal();
  }

  FaultFixture(const FaultFixture&) = delete;
  FaultFixture& operator=(const FaultFixture&) = delete;

  Options faulty() {
    Options with = options();
    with.vfs = fault_vfs();
    return with;
  }

  static void heal() { fault_plan().writes_left = -1; }

  static void break_disk(int after_writes = 0, int code = SQLITE_FULL) {
    fault_plan().code = code;
    fault_plan().writes_left = after_writes;
  }
};

}  // namespace

TEST_CASE_FIXTURE(
    FaultFixture,
    "store fault: a full disk fails the user's command, and everything is written later") {
  open(faulty());
  REQUIRE(put({app(1), instance(1)}, Durability::durable).has_value());
  break_disk();
  bool written = false;
  store->submit({instance(1, 1, 7), exit_of(1)}, Durability::background,
                [&](const Status& s) { written = s.has_value(); });
  const Status refused = put({app(2)}, Durability::durable);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::io);
  REQUIRE(loop.wait_for([&] { return has_problem(Problem::Kind::write_failing); }));
  CHECK_FALSE(written);
  CHECK(store->stats().last_error != "");
  heal();
  REQUIRE(loop.wait_for([&] { return written && has_problem(Problem::Kind::write_resumed); }));
  CHECK(store->stats().last_error == "");
  CHECK(exits(InstanceId{1}).size() == 1);
  open();
  const Snapshot found = store->load();
  CHECK(found.apps.size() ==
        2);  // the refused one as well: its owner has it in memory and took nothing back
  CHECK(found.instances.at(0).note[0] == 7);
}

TEST_CASE_FIXTURE(FaultFixture, "store fault: a series of failures is reported once") {
  open(faulty());
  break_disk();
  for (int n = 0; n < 4; ++n)
    CHECK_FALSE(put({app(1)}, Durability::durable).has_value());
  CHECK(store->stats().failed_commits == 4);
  std::size_t failing = 0;
  for (const Problem& problem : problems)
    failing += problem.kind == Problem::Kind::write_failing ? 1 : 0;
  CHECK(failing == 1);
}

TEST_CASE_FIXTURE(FaultFixture,
                  "store fault: whichever write fails, with whatever error, nothing is half done") {
  const int codes[] = {SQLITE_FULL, SQLITE_IOERR_WRITE};
  for (int n = 0; n < 40; ++n) {
    CAPTURE(n);
    problems.clear();
    open(faulty());
    REQUIRE(put({app(1, "old"), instance(1, 1, 1)}, Durability::durable).has_value());
    break_disk(n % 20, codes[n / 20]);
    const Status first = put({app(1, "new"), instance(1, 1, 2), app(2, std::string(60'000, 'x'))},
                             Durability::durable);
    store.reset();
    loop.run_all();
    heal();
    open();
    const Snapshot found = store->load();
    REQUIRE(found.apps.size() >= 1);
    const bool is_new = found.apps[0].json == "new";
    CHECK(is_new == first.has_value());
    CHECK((found.instances.at(0).note[0] == 2) == is_new);
    CHECK((found.apps.size() == 2) == is_new);
    CHECK_FALSE(has_problem(Problem::Kind::recreated));
    REQUIRE(put({DeleteApp{model::AppId{2}}}).has_value());
  }
}

TEST_CASE_FIXTURE(
    FaultFixture,
    "store fault: a new store on a full disk starts empty and is made when there is room") {
  break_disk();
  open(faulty());
  CHECK(store->load().apps.empty());
  CHECK_FALSE(put({app(1)}, Durability::durable).has_value());
  CHECK(has_problem(Problem::Kind::write_failing));
  bool written = false;
  store->submit({app(3)}, Durability::background,
                [&](const Status& s) { written = s.has_value(); });
  heal();
  REQUIRE(loop.wait_for([&] { return written && has_problem(Problem::Kind::recreated); }));
  CHECK(put({app(4)}, Durability::durable).has_value());
}

TEST_CASE_FIXTURE(FaultFixture, "store fault: an existing store is read on a full disk") {
  open(faulty());
  REQUIRE(put({app(1), instance(1)}, Durability::durable).has_value());
  break_disk();
  open(faulty());
  CHECK(store->load().apps.size() == 1);
}

TEST_CASE_FIXTURE(FaultFixture, "store fault: questions are answered while writing fails") {
  open(faulty());
  REQUIRE(put({app(1), instance(1), exit_of(1)}).has_value());
  break_disk();
  CHECK_FALSE(put({app(2)}, Durability::durable).has_value());
  CHECK(exits(InstanceId{1}).size() == 1);
}

TEST_CASE_FIXTURE(FaultFixture, "store fault: closing with a full disk tells those who wait") {
  Options slow = faulty();
  slow.gather_for = 10min;
  open(slow);
  break_disk();
  bool failed = false;
  store->submit({app(1)}, Durability::background,
                [&](const Status& status) { failed = !status.has_value(); });
  store.reset();
  loop.run_all();
  CHECK(failed);
}

TEST_CASE_FIXTURE(
    FaultFixture,
    "store fault: a full queue drops the oldest exits, says so once, and keeps the state") {
  Options small = faulty();
  small.queue_cap = 200;
  open(small);
  REQUIRE(put({app(1), instance(1)}).has_value());
  break_disk();
  std::size_t refused = 0;
  for (std::uint64_t seq = 1; seq <= 2'000; ++seq)
    store->submit({instance(1, 1, 9), exit_of(seq)}, Durability::background,
                  [&](const Status& status) { refused += status.has_value() ? 0 : 1; });
  REQUIRE(loop.wait_for([&] { return has_problem(Problem::Kind::history_dropped); }));
  CHECK(store->stats().queued <= 400);
  heal();
  REQUIRE(loop.wait_for(
      [&] { return store->stats().queued == 0 && has_problem(Problem::Kind::write_resumed); }));
  loop.run_all();
  CHECK(refused >= 1'000);
  CHECK(store->stats().dropped_exits == refused);
  const auto kept = exits(InstanceId{1});
  REQUIRE(kept.size() == 50);
  CHECK(kept.front().seq == 2'000);
  open();
  CHECK(store->load().instances.at(0).note[0] == 9);
}

TEST_CASE_FIXTURE(FaultFixture, "store: only a durable batch waits for the disk") {
  open(faulty());
  REQUIRE(put({app(1)}, Durability::durable).has_value());
  const int before = fault_plan().syncs;
  REQUIRE(put({instance(1)}).has_value());
  REQUIRE(put({exit_of(1)}).has_value());
  CHECK(fault_plan().syncs == before);
  REQUIRE(put({app(2)}, Durability::durable).has_value());
  CHECK(fault_plan().syncs > before);
}
