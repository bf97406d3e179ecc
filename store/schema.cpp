#include "store/schema.h"

#include <array>
#include <string>

namespace roost::store {
namespace {

// exits.id grows with time, so newest first is "ORDER BY id DESC" over the index of an instance.
constexpr const char* kTables = R"sql(
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
CREATE TABLE exits(
  id INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  instance INTEGER NOT NULL,
  app INTEGER NOT NULL,
  run INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  code INTEGER NOT NULL,
  signal INTEGER NOT NULL,
  core INTEGER NOT NULL,
  reason TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX exits_once ON exits(epoch, seq);
CREATE INDEX exits_by_instance ON exits(instance);
CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA application_id = 1383034739;
)sql";

constexpr const char* kExitsByApp = "CREATE INDEX exits_by_app ON exits(app);";

constexpr std::array<const char*, kSchemaVersion> kMigrations{kTables, kExitsByApp};

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
