#include "store/state_db.h"

#include <algorithm>
#include <array>

#include <sys/stat.h>

#include "core/base/kill_point.h"
#include "core/model/limits.h"

namespace roost::store {
namespace {

constexpr auto kExitColumns =
    "SELECT epoch, seq, instance, app, run, pid, started_ms, ended_ms, kind, code, signal, core, "
    "reason FROM exits ";

// In the order of StateDb::Sql. A row is updated in place instead of replaced: no index is touched
// for a new note.
constexpr std::array<const char*, 17> kWrites{
    "INSERT INTO apps(id, json) VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET json = ?2",
    "DELETE FROM apps WHERE id = ?1",
    "DELETE FROM exits WHERE instance IN (SELECT id FROM instances WHERE app = ?1)",
    "DELETE FROM runs WHERE instance IN (SELECT id FROM instances WHERE app = ?1)",
    "DELETE FROM instances WHERE app = ?1",
    "INSERT INTO instances(id, app, slot, note) VALUES(?1, ?2, ?3, ?4) "
    "ON CONFLICT(id) DO UPDATE SET app = ?2, slot = ?3, note = ?4",
    "DELETE FROM instances WHERE id = ?1", "DELETE FROM exits WHERE instance = ?1",
    "DELETE FROM runs WHERE instance = ?1",
    "INSERT INTO runs(id, instance, pid, start_ticks, boot_id, label) VALUES(?1, ?2, ?3, ?4, ?5, "
    "?6) "
    "ON CONFLICT(id) DO UPDATE SET instance = ?2, pid = ?3, start_ticks = ?4, boot_id = ?5, label "
    "= ?6",
    "DELETE FROM runs WHERE id = ?1",
    "INSERT INTO exits(epoch, seq, instance, app, run, pid, started_ms, ended_ms, kind, code, "
    "signal, core, reason, n) "
    "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
    "(SELECT coalesce(max(n), 0) + 1 FROM exits WHERE instance = ?3) "
    "WHERE EXISTS (SELECT 1 FROM instances WHERE id = ?3) "
    "AND NOT EXISTS (SELECT 1 FROM exits WHERE instance = ?3 AND ((seq = ?2 AND epoch = ?1) "
    // The same end, told again under another epoch by a keeper that took over the table.
    "OR (run = ?5 AND pid = ?6 AND started_ms = ?7 AND ?6 > 0 AND ?7 > 0)))",
    "DELETE FROM exits WHERE instance = ?1 AND n <= (SELECT max(n) FROM exits WHERE instance = ?1) "
    "- ?2",
    "INSERT INTO meta(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2",
    "INSERT INTO changes(number, bytes, json, former) VALUES(?1, ?2, ?3, ?4) "
    "ON CONFLICT(number) DO NOTHING",
    "DELETE FROM changes WHERE number <= (SELECT max(number) FROM changes) - ?1",
    // The newest stays, however large.
    "DELETE FROM changes WHERE number IN (SELECT number FROM (SELECT number, sum(bytes) OVER "
    "(ORDER BY number DESC) AS total FROM changes) WHERE total > ?1) "
    "AND number < (SELECT max(number) FROM changes)"};

constexpr const char* kDropOrphans =
    "BEGIN IMMEDIATE;"
    "DELETE FROM exits WHERE instance IN (SELECT id FROM instances WHERE app NOT IN (SELECT id "
    "FROM apps));"
    "DELETE FROM runs WHERE instance NOT IN (SELECT i.id FROM instances i JOIN apps a ON a.id = "
    "i.app);"
    "DELETE FROM instances WHERE app NOT IN (SELECT id FROM apps);"
    "COMMIT";

model::ExitKind exit_kind(std::int64_t stored) {
  switch (stored) {
    case static_cast<std::int64_t>(model::ExitKind::exited):
      return model::ExitKind::exited;
    case static_cast<std::int64_t>(model::ExitKind::signaled):
      return model::ExitKind::signaled;
    default:
      return model::ExitKind::unknown;
  }
}

AddExit read_exit(Statement& row) {
  AddExit exit;
  exit.epoch = static_cast<std::uint64_t>(row.column_int(0));
  exit.seq = static_cast<std::uint64_t>(row.column_int(1));
  exit.instance = static_cast<model::InstanceId>(row.column_int(2));
  exit.app = static_cast<model::AppId>(row.column_int(3));
  exit.run = static_cast<model::RunId>(row.column_int(4));
  exit.pid = static_cast<std::int32_t>(row.column_int(5));
  exit.started_wall_ms = row.column_int(6);
  exit.ended_wall_ms = row.column_int(7);
  exit.status = {.kind = exit_kind(row.column_int(8)),
                 .code = static_cast<int>(row.column_int(9)),
                 .signal = static_cast<int>(row.column_int(10)),
                 .core = row.column_int(11) != 0};
  exit.reason = row.column_text(12);
  return exit;
}

// Calls `take` for each row; SQLITE_OK or an error.
template <class Take>
int each_row(const Db& db, const char* sql, Take take) {
  Statement rows;
  int code = rows.prepare(db, sql);
  if (code != SQLITE_OK) return code;
  while ((code = rows.step()) == SQLITE_ROW)
    take(rows);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

int load_apps(const Db& db, Snapshot& snapshot) {
  return each_row(db, "SELECT id, json FROM apps ORDER BY id", [&](Statement& row) {
    snapshot.apps.push_back({static_cast<model::AppId>(row.column_int(0)), row.column_text(1)});
  });
}

int load_instances(const Db& db, Snapshot& snapshot) {
  const char* sql =
      "SELECT i.id, i.app, i.slot, i.note FROM instances i JOIN apps a ON a.id = i.app ORDER BY "
      "i.id";
  return each_row(db, sql, [&](Statement& row) {
    PutInstance& instance = snapshot.instances.emplace_back();
    instance.instance = static_cast<model::InstanceId>(row.column_int(0));
    instance.app = static_cast<model::AppId>(row.column_int(1));
    instance.slot = static_cast<std::uint32_t>(row.column_int(2));
    row.column_blob(3, instance.note);
  });
}

int load_runs(const Db& db, Snapshot& snapshot) {
  const char* sql =
      "SELECT r.id, r.instance, r.pid, r.start_ticks, r.boot_id, r.label FROM runs r "
      "JOIN instances i ON i.id = r.instance JOIN apps a ON a.id = i.app ORDER BY r.id";
  return each_row(db, sql, [&](Statement& row) {
    PutRun& run = snapshot.runs.emplace_back();
    run.run = static_cast<model::RunId>(row.column_int(0));
    run.instance = static_cast<model::InstanceId>(row.column_int(1));
    run.pid = static_cast<std::int32_t>(row.column_int(2));
    run.start_ticks = static_cast<std::uint64_t>(row.column_int(3));
    row.column_blob(4, run.boot_id);
    row.column_blob(5, run.label);
  });
}

int load_meta(const Db& db, Snapshot& snapshot) {
  return each_row(db, "SELECT key, value FROM meta",
                  [&](Statement& row) { snapshot.meta[row.column_text(0)] = row.column_text(1); });
}

}  // namespace

std::unique_ptr<StateDb> StateDb::make(Db db, const std::string& path, int exits_kept, int& code) {
  std::unique_ptr<StateDb> state(new StateDb(std::move(db)));
  code = state->prepare_all();

  struct stat file {};

  if (code == SQLITE_OK && ::stat(path.c_str(), &file) != 0) code = SQLITE_IOERR_FSTAT;
  if (code != SQLITE_OK) return nullptr;
  state->path_ = path;
  state->device_ = file.st_dev;
  state->inode_ = file.st_ino;
  state->exits_kept_ = exits_kept;
  return state;
}

int StateDb::prepare_all() {
  static_assert(kWrites.size() == exits_of_instance);
  for (std::size_t i = 0; i < kWrites.size(); ++i)
    if (const int code = statements_[i].prepare(db_, kWrites[i]); code != SQLITE_OK) return code;
  const std::string select = kExitColumns;
  const std::array<std::string, 4> rest{select + "WHERE instance = ?1 ORDER BY n DESC LIMIT ?2",
                                        select +
                                            "WHERE instance IN (SELECT id FROM instances WHERE app "
                                            "= ?1) ORDER BY ended_ms DESC, n DESC LIMIT ?2",
                                        "BEGIN IMMEDIATE", "COMMIT"};
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const int code = statements_[exits_of_instance + i].prepare(db_, rest[i].c_str());
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

// NORMAL survives the death of the process; FULL adds the fsync of the log that survives a power
// cut.
int StateDb::begin(Durability durability) {
  if (durability != synced_) {
    const bool full = durability == Durability::durable;
    const int code = db_.exec(full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    if (code != SQLITE_OK) return code;
    synced_ = durability;
  }
  return statements_[begin_txn].run();
}

int StateDb::commit() {
  kill_point("store.before_commit");
  const int code = statements_[commit_txn].run();
  kill_point("store.after_commit");
  return code;
}

void StateDb::rollback() {
  if (sqlite3_get_autocommit(db_.get()) == 0)
    (void)db_.exec("ROLLBACK");  // the first error is the one that counts
}

int StateDb::run(Sql sql, std::uint64_t id) {
  return statements_[sql].bind(1, id).run();
}

int StateDb::apply(const Op& op) {
  return std::visit([this](const auto& one) { return apply_one(one); }, op);
}

int StateDb::apply_one(const PutApp& op) {
  return statements_[put_app].bind(1, op.app).bind(2, std::string_view(op.json)).run();
}

int StateDb::apply_one(const DeleteApp& op) {
  for (const Sql sql : {delete_app_exits, delete_app_runs, delete_app_instances})
    if (const int code = run(sql, model::raw(op.app)); code != SQLITE_OK) return code;
  return run(delete_app, model::raw(op.app));
}

int StateDb::apply_one(const PutInstance& op) {
  return statements_[put_instance]
      .bind(1, op.instance)
      .bind(2, op.app)
      .bind(3, op.slot)
      .bind(4, std::span<const std::uint8_t>(op.note))
      .run();
}

int StateDb::apply_one(const DeleteInstance& op) {
  for (const Sql sql : {delete_instance_exits, delete_instance_runs})
    if (const int code = run(sql, model::raw(op.instance)); code != SQLITE_OK) return code;
  return run(delete_instance, model::raw(op.instance));
}

int StateDb::apply_one(const PutRun& op) {
  return statements_[put_run]
      .bind(1, op.run)
      .bind(2, op.instance)
      .bind(3, op.pid)
      .bind(4, op.start_ticks)
      .bind(5, std::span<const std::uint8_t>(op.boot_id))
      .bind(6, std::span<const std::uint8_t>(op.label))
      .run();
}

int StateDb::apply_one(const DeleteRun& op) {
  return run(delete_run, model::raw(op.run));
}

int StateDb::apply_one(const AddExit& op) {
  const int code = statements_[add_exit]
                       .bind(1, op.epoch)
                       .bind(2, op.seq)
                       .bind(3, op.instance)
                       .bind(4, op.app)
                       .bind(5, op.run)
                       .bind(6, op.pid)
                       .bind(7, op.started_wall_ms)
                       .bind(8, op.ended_wall_ms)
                       .bind(9, op.status.kind)
                       .bind(10, op.status.code)
                       .bind(11, op.status.signal)
                       .bind(12, op.status.core)
                       .bind(13, std::string_view(op.reason))
                       .run();
  if (code != SQLITE_OK || db_.changes() == 0) return code;
  return statements_[trim_exits].bind(1, op.instance).bind(2, exits_kept_).run();
}

int StateDb::apply_one(const SetMeta& op) {
  return statements_[set_meta]
      .bind(1, std::string_view(op.key))
      .bind(2, std::string_view(op.value))
      .run();
}

int StateDb::apply_one(const AddChange& op) {
  const int code = statements_[add_change]
                       .bind(1, op.number)
                       .bind(2, op.json.size() + op.former.size())
                       .bind(3, std::string_view(op.json))
                       .bind(4, std::string_view(op.former))
                       .run();
  if (code != SQLITE_OK || db_.changes() == 0) return code;
  const int trimmed = statements_[trim_changes].bind(1, model::limits::kHistoryKept).run();
  if (trimmed != SQLITE_OK) return trimmed;
  return statements_[trim_change_bytes].bind(1, model::limits::kHistoryBytes).run();
}

Snapshot StateDb::load(int& code) {
  // Left by an app whose own row was refused. On a full disk it waits for another time: nothing
  // below reads orphans.
  if (db_.exec(kDropOrphans) != SQLITE_OK) rollback();
  Snapshot snapshot;
  code = load_apps(db_, snapshot);
  if (code == SQLITE_OK) code = load_instances(db_, snapshot);
  if (code == SQLITE_OK) code = load_runs(db_, snapshot);
  if (code == SQLITE_OK) code = load_meta(db_, snapshot);
  snapshot.newest_change =
      static_cast<std::uint64_t>(db_.query_int("SELECT max(number) FROM changes", 0));
  return snapshot;
}

std::vector<AddExit> StateDb::recent_exits(model::InstanceId instance, std::uint32_t limit,
                                           int& code) {
  return read_exits(exits_of_instance, model::raw(instance), limit, code);
}

std::vector<AddExit> StateDb::recent_exits(model::AppId app, std::uint32_t limit, int& code) {
  return read_exits(exits_of_app, model::raw(app), limit, code);
}

std::vector<AddExit> StateDb::read_exits(Sql sql, std::uint64_t id, std::uint32_t limit,
                                         int& code) {
  std::vector<AddExit> exits;
  Statement& rows = statements_[sql].bind(1, id).bind(2, limit);
  while ((code = rows.step()) == SQLITE_ROW)
    exits.push_back(read_exit(rows));
  if (code == SQLITE_DONE) code = SQLITE_OK;
  (void)rows.reset();  // repeats the code of step
  return exits;
}

std::vector<AddChange> StateDb::changes(std::uint64_t from, std::uint32_t limit, int& code) {
  std::vector<AddChange> changes;
  const std::string sql = std::string("SELECT number, json, ") + (from == 0 ? "''" : "former") +
                          " FROM changes WHERE number >= " + std::to_string(from) +
                          " ORDER BY number DESC LIMIT " + std::to_string(limit);
  code = each_row(db_, sql.c_str(), [&](Statement& row) {
    AddChange& change = changes.emplace_back();
    change.number = static_cast<std::uint64_t>(row.column_int(0));
    change.json = row.column_text(1);
    change.former = row.column_text(2);
  });
  return changes;
}

int StateDb::quick_check() {
  const std::string verdict = db_.query_text("PRAGMA quick_check(1)");
  if (verdict == "ok") return SQLITE_OK;
  return verdict.empty() ? db_.last_code() : SQLITE_CORRUPT;
}

bool StateDb::is_in_place() const {
  struct stat file {};

  return ::stat(path_.c_str(), &file) == 0 && file.st_dev == device_ && file.st_ino == inode_;
}

}  // namespace roost::store
