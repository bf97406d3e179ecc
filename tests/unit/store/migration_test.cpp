#include <sqlite3.h>

#include "store/schema.h"
#include "tests/unit/store/store_fixture.h"

using namespace roost;
using namespace roost::store;

namespace {

void execute(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  char* message = nullptr;
  sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &message);
  CHECK_MESSAGE(message == nullptr, (message == nullptr ? "" : message));
  sqlite3_free(message);
  sqlite3_close(db);
}

std::int64_t number(const std::string& path, const char* sql) {
  sqlite3* db = nullptr;
  sqlite3_stmt* stmt = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_prepare_v2(db, sql, -1, &stmt, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_step(stmt) == SQLITE_ROW);
  const std::int64_t value = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  sqlite3_close(db);
  return value;
}

// A file as version 1 wrote it: frozen here, whatever the code says today.
constexpr const char* kVersion1 = R"sql(
PRAGMA journal_mode = WAL;
CREATE TABLE apps(id INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;
CREATE TABLE instances(id INTEGER PRIMARY KEY, app INTEGER NOT NULL, slot INTEGER NOT NULL, note BLOB NOT NULL) STRICT;
CREATE INDEX instances_by_app ON instances(app);
CREATE TABLE runs(id INTEGER PRIMARY KEY, instance INTEGER NOT NULL, pid INTEGER NOT NULL,
  start_ticks INTEGER NOT NULL, boot_id BLOB NOT NULL, label BLOB NOT NULL) STRICT;
CREATE INDEX runs_by_instance ON runs(instance);
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA application_id = 1383034739;
PRAGMA user_version = 1;
INSERT INTO apps VALUES(7, '{"old":true}');
INSERT INTO instances VALUES(3, 7, 0, x'0102');
)sql";

}  // namespace

TEST_CASE_FIXTURE(StoreFixture,
                  "store migration: an absent and an empty file become the newest schema") {
  open();
  store.reset();
  CHECK(number(dir.db(), "PRAGMA user_version") == kSchemaVersion);
  CHECK(number(dir.db(), "PRAGMA application_id") == kApplicationId);
  std::filesystem::remove(dir.db());
  execute(dir.db(), "");
  open();
  CHECK(put({app(1)}).has_value());
  CHECK(problems.empty());
}

TEST_CASE_FIXTURE(StoreFixture, "store migration: a version 1 file keeps its rows") {
  execute(dir.db(), kVersion1);
  open();
  const Snapshot found = store->load();
  CHECK(found.apps.at(0).json == "{\"old\":true}");
  REQUIRE(found.instances.size() == 1);
  CHECK(found.instances[0].note[1] == 2);
  CHECK(found.instances[0].note[2] == 0);
  CHECK(exits(model::AppId{7}).empty());
  REQUIRE(put({exit_of(1, 3, 7)}).has_value());
  CHECK(exits(model::AppId{7}).size() == 1);
  store.reset();
  CHECK(number(dir.db(), "PRAGMA user_version") == kSchemaVersion);
  CHECK(problems.empty());
}

TEST_CASE_FIXTURE(StoreFixture, "store migration: a newer schema is refused and left alone") {
  open();
  REQUIRE(put({app(1)}).has_value());
  store.reset();
  execute(dir.db(), "PRAGMA user_version = 99");
  const auto result = Store::open(options());
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == Errc::conflict);
  CHECK(result.error().message.find("newer roost (schema 99") != std::string::npos);
  CHECK(result.error().hint != "");
  CHECK(number(dir.db(), "SELECT count(*) FROM apps") == 1);
  CHECK(dir.aside().empty());
}

TEST_CASE_FIXTURE(StoreFixture,
                  "store migration: another program's database is moved aside, not changed") {
  execute(dir.db(), "CREATE TABLE apps(x); INSERT INTO apps VALUES(1)");
  open();
  REQUIRE(loop.wait_for([&] { return has_problem(Problem::Kind::recreated); }));
  REQUIRE(dir.aside().size() == 1);
  CHECK(number(dir.path() / dir.aside()[0], "SELECT x FROM apps") == 1);
}
