#include "store/store.h"

#include <malloc.h>
#include <sys/stat.h>

#include "core/model/limits.h"
#include "tests/unit/store/store_fixture.h"

using namespace roost;
using namespace roost::store;
using model::AppId;
using model::InstanceId;

TEST_CASE_FIXTURE(StoreFixture, "store: everything put is there after reopening") {
  open();
  REQUIRE(put({app(1, "{\"name\":\"a\"}"), app(2), instance(1, 1, 3), instance(2, 2), run(8, 2),
               SetMeta{"k", "v"}},
              Durability::durable)
              .has_value());
  open();
  const Snapshot found = store->load();
  REQUIRE(found.apps.size() == 2);
  CHECK(found.apps[0].app == AppId{1});
  CHECK(found.apps[0].json == "{\"name\":\"a\"}");
  REQUIRE(found.instances.size() == 2);
  CHECK(found.instances[0].note == instance(1, 1, 3).note);
  CHECK(found.instances[1].app == AppId{2});
  CHECK(found.instances[1].slot == 2);
  REQUIRE(found.runs.size() == 1);
  CHECK(found.runs[0].pid == 1008);
  CHECK(found.runs[0].start_ticks == 85);
  CHECK(found.runs[0].boot_id == run(8).boot_id);
  CHECK(found.runs[0].label == run(8).label);
  CHECK(found.meta.at("k") == "v");
  CHECK(problems.empty());
  CHECK(store->load().apps.empty());
}

TEST_CASE_FIXTURE(StoreFixture, "store: a later put replaces, with the largest ids kept exactly") {
  open();
  const std::uint64_t top_run = ~std::uint64_t{0} - 1;
  PutRun large = run(1);
  large.run = model::RunId{top_run};
  large.start_ticks = ~std::uint64_t{0};
  PutInstance big = instance(1);
  big.instance = InstanceId{~std::uint32_t{0}};
  big.app = AppId{~std::uint32_t{0}};
  large.instance = big.instance;
  REQUIRE(put({PutApp{big.app, "1"}, big, large, SetMeta{"k", "1"}}).has_value());
  big.note.fill(8);
  REQUIRE(put({PutApp{big.app, "2"}, big, SetMeta{"k", "2"}}).has_value());
  open();
  const Snapshot found = store->load();
  REQUIRE(found.apps.size() == 1);
  CHECK(found.apps[0].app == big.app);
  CHECK(found.apps[0].json == "2");
  CHECK(found.instances.at(0).instance == big.instance);
  CHECK(found.instances.at(0).note == big.note);
  CHECK(found.runs.at(0).run == large.run);
  CHECK(found.runs.at(0).start_ticks == large.start_ticks);
  CHECK(found.meta.at("k") == "2");
}

TEST_CASE_FIXTURE(StoreFixture,
                  "store: deleting an app takes its instances, runs and exits, and nobody else's") {
  open();
  REQUIRE(put({app(1), app(2), instance(1, 1), instance(2, 2), run(1, 1), run(2, 2),
               exit_of(1, 1, 1), exit_of(2, 2, 2)})
              .has_value());
  REQUIRE(put({DeleteApp{AppId{1}}}, Durability::durable).has_value());
  CHECK(exits(AppId{1}).empty());
  CHECK(exits(InstanceId{1}).empty());
  CHECK(exits(AppId{2}).size() == 1);
  open();
  const Snapshot found = store->load();
  REQUIRE(found.apps.size() == 1);
  REQUIRE(found.instances.size() == 1);
  REQUIRE(found.runs.size() == 1);
  CHECK(found.runs[0].run == model::RunId{2});
}

TEST_CASE_FIXTURE(StoreFixture, "store: deleting an instance or a run") {
  open();
  REQUIRE(put({app(1), instance(1), instance(2), run(1, 1), run(2, 2), run(3, 2), exit_of(1, 1),
               exit_of(2, 2)})
              .has_value());
  REQUIRE(put({DeleteInstance{InstanceId{1}}, DeleteRun{model::RunId{2}}}).has_value());
  CHECK(exits(InstanceId{1}).empty());
  CHECK(exits(AppId{1}).size() == 1);
  open();
  const Snapshot found = store->load();
  REQUIRE(found.runs.size() == 1);
  CHECK(found.runs[0].run == model::RunId{3});
}

TEST_CASE_FIXTURE(StoreFixture, "store: an exit is recorded once, as it was") {
  open();
  AddExit segv = exit_of(3);
  segv.status = {.kind = model::ExitKind::signaled, .code = 0, .signal = 11, .core = true};
  segv.epoch = ~std::uint64_t{0};
  REQUIRE(put({app(1), instance(1), segv}).has_value());
  AddExit again = segv;
  again.reason = "something else";
  REQUIRE(put({again, again}).has_value());
  const auto found = exits(InstanceId{1});
  REQUIRE(found.size() == 1);
  CHECK(found[0].epoch == segv.epoch);
  CHECK(found[0].seq == 3);
  CHECK(found[0].status == segv.status);
  CHECK(found[0].reason == segv.reason);
  CHECK(found[0].pid == segv.pid);
  CHECK(found[0].started_wall_ms == 100);
  CHECK(found[0].ended_wall_ms == 200);
  CHECK(found[0].run == segv.run);
}

TEST_CASE_FIXTURE(StoreFixture, "store: an unknown status is not read back as exit code 0") {
  open();
  AddExit lost = exit_of(1);
  lost.status = {};
  REQUIRE(put({app(1), instance(1), lost}).has_value());
  CHECK(exits(InstanceId{1}).at(0).status.kind == model::ExitKind::unknown);
}

TEST_CASE_FIXTURE(StoreFixture, "store: the exit of a deleted instance is accepted and forgotten") {
  open();
  REQUIRE(put({exit_of(1, 42)}).has_value());
  CHECK(exits(InstanceId{42}).empty());
  CHECK(exits(AppId{1}).empty());
}

TEST_CASE_FIXTURE(StoreFixture, "store: keeps the newest exits of each instance, newest first") {
  open();
  REQUIRE(put({app(1), instance(1), instance(2), exit_of(1'000, 2)}).has_value());
  Batch many;
  for (std::uint64_t seq = 1; seq <= 120; ++seq)
    many.push_back(exit_of(seq));
  REQUIRE(put(std::move(many)).has_value());
  const auto found = exits(InstanceId{1});
  REQUIRE(found.size() == std::size_t{model::limits::kExitsKeptPerInstance});
  CHECK(found.front().seq == 120);
  CHECK(found.back().seq == 71);
  CHECK(exits(InstanceId{1}, 3).size() == 3);
  CHECK(exits(AppId{1}).size() == 51);
  CHECK(exits(InstanceId{2}).size() == 1);
}

TEST_CASE_FIXTURE(StoreFixture, "store: answers come in order and only through the loop") {
  open();
  std::vector<int> order;
  for (int i = 0; i < 20; ++i)
    store->submit({SetMeta{"k", std::to_string(i)}},
                  i % 3 == 0 ? Durability::durable : Durability::background,
                  [&order, i](const Status& status) {
                    CHECK(status.has_value());
                    order.push_back(i);
                  });
  CHECK(order.empty());
  REQUIRE(loop.wait_for([&] { return order.size() == 20; }));
  for (int i = 0; i < 20; ++i)
    CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE_FIXTURE(StoreFixture, "store: what waits becomes one transaction") {
  Options slow = options();
  slow.gather_for = 10min;
  open(slow);
  std::size_t answered = 0;
  for (int i = 0; i < 100; ++i)
    store->submit({SetMeta{"k", "v"}}, Durability::background, [&](Status) { ++answered; });
  CHECK(store->stats().commits == 0);
  REQUIRE(put({}, Durability::durable).has_value());
  CHECK(answered == 100);
  CHECK(store->stats().commits == 1);
  CHECK(store->stats().queued == 0);
}

TEST_CASE_FIXTURE(StoreFixture, "store: what is recorded takes along what waits") {
  Options asked = options();
  int waiting = 0;
  asked.on_waiting = [&] { ++waiting; };
  open(asked);
  bool answered = false;
  store->submit({SetMeta{"k", "v"}}, Durability::background, [&](Status) { answered = true; });
  CHECK(waiting == 1);
  store->record({SetMeta{"l", "v"}}, true);
  CHECK(store->stats().commits == 0);
  store->record({SetMeta{"m", "v"}}, false);
  CHECK(loop.wait_for([&] { return answered; }));
  CHECK(store->stats().commits == 1);
  CHECK(waiting == 1);
}

TEST_CASE_FIXTURE(StoreFixture, "store: destroying it writes what waits and answers everybody") {
  Options slow = options();
  slow.gather_for = 10min;
  open(slow);
  bool answered = false;
  store->submit({app(9)}, Durability::background,
                [&](const Status& status) { answered = status.has_value(); });
  store.reset();
  loop.run_all();
  CHECK(answered);
  open();
  CHECK(store->load().apps.size() == 1);
}

TEST_CASE_FIXTURE(StoreFixture,
                  "store: files are private whatever the umask, also ones that were not") {
  const mode_t before = ::umask(0);
  open();
  REQUIRE(put({app(1)}).has_value());
  ::umask(before);
  const auto mode = [this](const char* suffix) {
    struct stat file {};
    return ::stat((dir.db() + suffix).c_str(), &file) == 0 ? file.st_mode & 0777 : 0U;
  };
  CHECK(mode("") == 0600);
  CHECK(mode("-wal") == 0600);
  CHECK_FALSE(std::filesystem::exists(dir.db() + "-shm"));
  store.reset();
  REQUIRE(::chmod(dir.db().c_str(), 0666) == 0);
  open();
  CHECK(mode("") == 0600);
}

TEST_CASE_FIXTURE(StoreFixture, "store: a clean end leaves one file") {
  open();
  REQUIRE(put({app(1)}).has_value());
  store.reset();
  CHECK_FALSE(std::filesystem::exists(dir.db() + "-wal"));
}

TEST_CASE_FIXTURE(StoreFixture, "store: a second opener gets a clear error and the first goes on") {
  open();
  REQUIRE(put({app(1)}).has_value());
  const Result<std::unique_ptr<Store>> second = Store::open(options());
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Errc::unavailable);
  CHECK(second.error().message.find(dir.db()) != std::string::npos);
  CHECK(put({app(2)}, Durability::durable).has_value());
}

TEST_CASE_FIXTURE(StoreFixture,
                  "store: a missing directory and a directory in its place are errors") {
  Options bad = options();
  bad.path = dir.path() / "none" / "state.db";
  CHECK(Store::open(bad).error().code == Errc::not_found);
  bad.path = dir.path();
  CHECK(Store::open(bad).error().code == Errc::invalid);
}

TEST_CASE_FIXTURE(StoreFixture, "store: app specs of any text come back byte for byte") {
  open();
  const std::string odd = std::string("a\0b\xff\n'\"", 7) + std::string(300'000, 'x');
  REQUIRE(put({app(1, odd), app(2, "")}).has_value());
  open();
  const Snapshot found = store->load();
  CHECK(found.apps.at(0).json == odd);
  CHECK(found.apps.at(1).json == "");
}

TEST_CASE_FIXTURE(StoreFixture,
                  "store: rows of an app that never got its own are neither loaded nor kept") {
  open();
  REQUIRE(
      put({app(1), instance(1), run(1), exit_of(1), instance(2, 99), run(2, 2), exit_of(2, 2, 99)})
          .has_value());
  open();
  const Snapshot found = store->load();
  CHECK(found.instances.size() == 1);
  CHECK(found.runs.size() == 1);
  CHECK(exits(InstanceId{1}).size() == 1);
  CHECK(exits(InstanceId{2}).empty());
}

TEST_CASE_FIXTURE(StoreFixture,
                  "store: changes are kept once, newest first, and within their limits") {
  open();
  const auto change = [](std::uint64_t number, std::size_t bytes = 3) {
    return AddChange{number, "{\"n\":" + std::to_string(number) + "}", std::string(bytes, 'x')};
  };
  REQUIRE(put({change(1), change(2), change(2), change(3)}).has_value());
  open();
  CHECK(store->load().newest_change == 3);
  auto found = changes(2);
  REQUIRE(found.size() == 2);
  CHECK(found[0].number == 3);
  CHECK(found[1].json == "{\"n\":2}");
  CHECK(found[1].former == "xxx");
  found = changes(0, 1);
  REQUIRE(found.size() == 1);
  CHECK(found[0].former.empty());
  for (std::uint64_t number = 4; number <= model::limits::kHistoryKept + 10; ++number)
    REQUIRE(put({change(number)}).has_value());
  CHECK(changes(1).size() == model::limits::kHistoryKept);
  CHECK(changes(1).back().number == 11);
  REQUIRE(put({change(1000, model::limits::kHistoryBytes / 2), change(1001, 10),
               change(1002, model::limits::kHistoryBytes / 2)})
              .has_value());
  CHECK(changes(1).back().number == 1001);
  REQUIRE(put({change(1003, model::limits::kHistoryBytes)}).has_value());
  CHECK(changes(1).size() == 1);
}

TEST_CASE_FIXTURE(StoreFixture, "store: memory is given back, and what was in it is still there") {
  open();
  for (std::uint32_t id = 1; id <= 200; ++id)
    REQUIRE(put({app(id, std::string(1'000, 'x')), instance(id, id)}).has_value());
  const std::size_t before = ::mallinfo2().uordblks;  // 0 under a sanitizer, which counts itself
  bool done = false;
  store->release_memory([&done] { done = true; });
  REQUIRE(loop.wait_for([&done] { return done; }));
  CHECK((before == 0 || ::mallinfo2().uordblks + (100 << 10) < before));
  open();
  CHECK(store->load().apps.size() == 200);
}
