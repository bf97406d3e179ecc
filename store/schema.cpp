#include "store/schema.h"

#include <array>
#include <string>

namespace roost::store {
namespace {

constexpr const char* kState = R"sql(
CREATE TABLE apps(
  id INTEGER PRIMARY KEY,
  json TEXT NOT NULL) STRICT;
CREATE TABLE instances(
  id INTEGER PRIMARY KEY,
  app INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  note BLOB NOT NULL) STRICT;
CREATE INDEX instances_by_app ON instances(app);
CREATE TABLE runs(
  id INTEGER PRIMARY KEY,
  instance INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  start_ticks INTEGER NOT NULL,
  boot_id BLOB NOT NULL,
  label BLOB NOT NULL) STRICT;
CREATE INDEX runs_by_instance ON runs(instance);
CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA application_id = 1383034739;
)sql";

// n counts the exits of an instance without a gap. All of an instance's exits lie together and
// there is no index: recording one and dropping the oldest touches two pages, where a table with
// indexes for order and uniqueness touched eight.
constexpr const char* kExits = R"sql(
CREATE TABLE exits(
  instance INTEGER NOT NULL,
  n INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  app INTEGER NOT NULL,
  run INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  code INTEGER NOT NULL,
  signal INTEGER NOT NULL,
  core INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY(instance, n)) STRICT, WITHOUT ROWID;
)sql";

// A page less for each run that comes or goes; whole instances go seldom.
constexpr const char* kRunsWithoutIndex = "DROP INDEX runs_by_instance;";

constexpr const char* kChanges = R"sql(
CREATE TABLE changes(
  number INTEGER PRIMARY KEY,
  bytes INTEGER NOT NULL,
  json TEXT NOT NULL,
  former TEXT NOT NULL) STRICT;
)sql";

constexpr std::array<const char*, kSchemaVersion> kMigrations{kState, kExits, kRunsWithoutIndex,
                                                              kChanges};

static_assert(kApplicationId == 1383034739);

int step_to(Db& db, int version) {
  std::string sql = "BEGIN IMMEDIATE;";
  sql += kMigrations[static_cast<std::size_t>(version - 1)];
  sql += "PRAGMA user_version = " + std::to_string(version) + ";COMMIT;";
  const int code = db.exec(sql.c_str());
  if (code != SQLITE_OK) (void)db.exec("ROLLBACK");  // the first error is the one to report
  return code;
}

}  // namespace

int migrate(Db& db) {
  const std::int64_t version = db.query_int("PRAGMA user_version", -1);
  if (version < 0) return db.last_code() != SQLITE_OK ? db.last_code() : SQLITE_CORRUPT;
  for (int next = static_cast<int>(version) + 1; next <= kSchemaVersion; ++next)
    if (const int code = step_to(db, next); code != SQLITE_OK) return code;
  return SQLITE_OK;
}

}  // namespace roost::store
