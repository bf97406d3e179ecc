#include <fstream>
#include <iterator>
#include <random>

#include "store/state_file.h"
#include "tests/unit/store/store_fixture.h"

using namespace roost;
using namespace roost::store;

namespace {

std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void spill(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

struct CorruptionFixture : StoreFixture {
  // A clean database of some pages.
  std::string sound_file() {
    open();
    Batch batch;
    for (std::uint32_t id = 1; id <= 200; ++id) {
      batch.push_back(app(id, std::string(300, 'j')));
      batch.push_back(instance(id, id));
      for (std::uint64_t n = 0; n < 5; ++n)
        batch.push_back(exit_of(id * 100 + n, id, id));
    }
    REQUIRE(put(std::move(batch), Durability::durable).has_value());
    store.reset();
    return slurp(dir.db());
  }

  // Fresh, working, the old file kept and the caller told.
  void check_recreated(const std::string& old) {
    open();
    REQUIRE(loop.wait_for([&] { return has_problem(Problem::Kind::recreated); }));
    CHECK(store->load().apps.empty());
    REQUIRE(dir.aside().size() == 1);
    CHECK(slurp(dir.path() / dir.aside()[0]) == old);
    CHECK(problems[0].message.find(dir.aside()[0]) != std::string::npos);
    CHECK(put({app(1)}, Durability::durable).has_value());
    open();
    CHECK(store->load().apps.size() == 1);
  }
};

}  // namespace

TEST_CASE_FIXTURE(CorruptionFixture, "store corruption: garbage") {
  std::string garbage(50'000, '\0');
  std::mt19937 random(3);
  for (char& c : garbage)
    c = static_cast<char>(random());
  spill(dir.db(), garbage);
  check_recreated(garbage);
}

TEST_CASE_FIXTURE(CorruptionFixture, "store corruption: a text file") {
  spill(dir.db(), "this is no database\n");
  check_recreated("this is no database\n");
}

TEST_CASE_FIXTURE(CorruptionFixture, "store corruption: truncated") {
  const std::string sound = sound_file();
  for (const std::size_t size :
       {sound.size() / 2, sound.size() - 4096, std::size_t{5000}, std::size_t{50}}) {
    CAPTURE(size);
    problems.clear();
    for (const std::string& name : dir.aside())
      std::filesystem::remove(dir.path() / name);
    store.reset();
    const std::string cut = sound.substr(0, size);
    spill(dir.db(), cut);
    check_recreated(cut);
  }
}

TEST_CASE_FIXTURE(CorruptionFixture, "store corruption: pages overwritten in the middle") {
  std::string bytes = sound_file();
  for (std::size_t at = 8192; at < bytes.size(); at += 16'384)
    for (std::size_t i = 0; i < 4096 && at + i < bytes.size(); ++i)
      bytes[at + i] = '\x5a';
  spill(dir.db(), bytes);
  check_recreated(bytes);
}

TEST_CASE_FIXTURE(CorruptionFixture, "store corruption: our mark and version, but no tables") {
  std::string bytes = sound_file();
  store.reset();
  // Offset 60: user_version, 68: application_id; a one-page database without tables.
  spill(dir.db(), "");
  open();
  store.reset();
  std::string empty = slurp(dir.db()).substr(0, 4096);
  empty[28 + 3] = 1;  // pages
  empty[28 + 2] = 0;
  for (std::size_t i = 100; i < empty.size(); ++i)
    empty[i] = 0;
  empty[100] = 13;    // leaf of a table, no cells
  empty[105] = 0x10;  // cell content begins at 4096
  spill(dir.db(), empty);
  check_recreated(empty);
}

TEST_CASE_FIXTURE(
    CorruptionFixture,
    "store corruption: a damaged log of an unclean end costs its tail, nothing else") {
  open();
  REQUIRE(put({app(1)}, Durability::durable).has_value());
  const std::string db = slurp(dir.db());
  std::string wal = slurp(dir.db() + "-wal");
  store.reset();
  spill(dir.db(), db);
  for (std::size_t i = wal.size() / 2; i < wal.size(); ++i)
    wal[i] = '\x77';
  spill(dir.db() + "-wal", wal);
  open();
  CHECK(put({app(2)}, Durability::durable).has_value());
  open();
  CHECK(store->load().apps.size() >= 1);
}

TEST_CASE_FIXTURE(CorruptionFixture,
                  "store corruption: random bytes flipped never hang or crash it") {
  const std::string sound = sound_file();
  std::mt19937 random(17);
  for (int round = 0; round < 60; ++round) {
    CAPTURE(round);
    store.reset();
    std::string bytes = sound;
    for (int flips = 0; flips < 20; ++flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    spill(dir.db(), bytes);
    Result<std::unique_ptr<Store>> opened = Store::open(options());
    if (!opened) {  // a flipped version number
      CHECK(opened.error().code == Errc::conflict);
      continue;
    }
    store = *std::move(opened);
    (void)store->load();
    std::unique_ptr<Status> answer;
    store->submit({app(1), instance(1), exit_of(1)}, Durability::durable,
                  [&](Status status) { answer = std::make_unique<Status>(std::move(status)); });
    CHECK(loop.wait_for([&] { return answer != nullptr; }));
  }
  CHECK(dir.aside().size() <= 5);
}

TEST_CASE_FIXTURE(CorruptionFixture,
                  "store corruption: a file removed at run time is made again and reported") {
  open();
  REQUIRE(put({app(1)}).has_value());
  for (const char* suffix : {"", "-wal"})
    std::filesystem::remove(dir.db() + suffix);
  REQUIRE(put({app(2), instance(2, 2)}).has_value());
  REQUIRE(loop.wait_for([&] { return has_problem(Problem::Kind::recreated); }));
  REQUIRE(put({app(3)}, Durability::durable).has_value());
  open();
  CHECK(store->load().apps.size() == 2);
}

TEST_CASE_FIXTURE(CorruptionFixture,
                  "store corruption: a file overwritten at run time ends in a fresh one") {
  open();
  REQUIRE(put({app(1), instance(1)}).has_value());
  spill(dir.db(), std::string(8192, '\x5a'));
  spill(dir.db() + "-wal", std::string(8192, '\x5a'));
  // The page cache hides it until something has to be read or the log is copied back.
  for (std::uint32_t round = 0; round < 400 && !has_problem(Problem::Kind::recreated); ++round) {
    std::unique_ptr<Status> answer;
    Batch batch;
    for (std::uint32_t id = 1; id <= 20; ++id)
      batch.push_back(app(round * 20 + id, std::string(2000, 'x')));
    store->submit(std::move(batch), Durability::durable,
                  [&](Status s) { answer = std::make_unique<Status>(std::move(s)); });
    REQUIRE(loop.wait_for([&] { return answer != nullptr; }));
  }
  open();
  REQUIRE(loop.wait_for([&] { return has_problem(Problem::Kind::recreated); }));
  CHECK(put({app(1)}, Durability::durable).has_value());
}

TEST_CASE_FIXTURE(CorruptionFixture, "store corruption: only the newest five are kept aside") {
  for (int n = 0; n < 9; ++n) {
    spill(dir.db(), "garbage " + std::to_string(n));
    REQUIRE(move_aside(dir.db()).has_value());
  }
  CHECK(dir.aside().size() == 5);
}
