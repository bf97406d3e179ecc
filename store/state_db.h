// StateDb: an open state.db with its statements. Says what happened in SQLite's codes; decides
// nothing about retrying. Used by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/base/result.h"
#include "store/records.h"
#include "store/sqlite.h"
#include "store/store.h"

namespace roost::store {

class StateDb {
 public:
  // Takes a migrated database. Null, with `code`, when a statement cannot be prepared.
  [[nodiscard]] static std::unique_ptr<StateDb> make(Db db, const std::string& path, int exits_kept,
                                                     int& code);

  // A transaction; after a failure of any of the three the caller calls rollback().
  int begin(Durability durability);
  int apply(const Op& op);
  int commit();
  void rollback();

  // `code` is SQLITE_OK or why the result is incomplete.
  [[nodiscard]] Snapshot load(int& code);
  [[nodiscard]] std::vector<AddExit> recent_exits(model::InstanceId instance, std::uint32_t limit,
                                                  int& code);
  [[nodiscard]] std::vector<AddExit> recent_exits(model::AppId app, std::uint32_t limit, int& code);
  // Newest first. Those from number `from` on, with what they changed; or, where that is 0, the
  // newest without it.
  [[nodiscard]] std::vector<AddChange> changes(std::uint64_t from, std::uint32_t limit, int& code);

  void release_memory() { db_.release_memory(); }

  // SQLITE_OK, SQLITE_CORRUPT, or why it could not be found out. Reads the whole file.
  [[nodiscard]] int quick_check();
  // False when somebody removed or replaced the file: what is written now would be lost.
  [[nodiscard]] bool is_in_place() const;

  [[nodiscard]] Error error(int code) const { return db_.error(code); }

 private:
  enum Sql : std::uint8_t {
    put_app,
    delete_app,
    delete_app_exits,
    delete_app_runs,
    delete_app_instances,
    put_instance,
    delete_instance,
    delete_instance_exits,
    delete_instance_runs,
    put_run,
    delete_run,
    add_exit,
    trim_exits,
    set_meta,
    add_change,
    trim_changes,
    trim_change_bytes,
    exits_of_instance,
    exits_of_app,
    begin_txn,
    commit_txn,
    sql_count
  };

  explicit StateDb(Db db) : db_(std::move(db)) {}

  int prepare_all();
  int run(Sql sql, std::uint64_t id);
  int apply_one(const PutApp& op);
  int apply_one(const DeleteApp& op);
  int apply_one(const PutInstance& op);
  int apply_one(const DeleteInstance& op);
  int apply_one(const PutRun& op);
  int apply_one(const DeleteRun& op);
  int apply_one(const AddExit& op);
  int apply_one(const SetMeta& op);
  int apply_one(const AddChange& op);
  std::vector<AddExit> read_exits(Sql sql, std::uint64_t id, std::uint32_t limit, int& code);

  Db db_;  // before the statements: it must be closed after them
  Statement statements_[sql_count];
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  int exits_kept_ = 0;
  Durability synced_ = Durability::background;  // what PRAGMA synchronous says
};

}  // namespace roost::store
