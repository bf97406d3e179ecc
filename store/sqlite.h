// The folder's only owners of SQLite objects. Calls give SQLite's (extended) result codes, because
// the store decides by them: `classify` says which of four things a code means. Not for several
// threads at once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "core/base/result.h"

namespace roost::store {

enum class SqlFault : std::uint8_t {
  none,
  corrupt,    // the file is not (or no longer) a database
  transient,  // disk full, I/O error, locked, out of memory: the same may work later
  refused     // this statement or its data will never work
};
[[nodiscard]] SqlFault classify(int code);

class Db {
 public:
  // Never creates the file. On failure nothing is left open.
  int open(const std::string& path, const std::string& vfs);

  int exec(const char* sql) { return sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr); }

  // First column of the first row; `fallback` when there is none or it fails (see last_code).
  [[nodiscard]] std::int64_t query_int(const char* sql, std::int64_t fallback);
  [[nodiscard]] std::string query_text(const char* sql);

  [[nodiscard]] int last_code() const { return sqlite3_extended_errcode(db_.get()); }

  [[nodiscard]] int changes() const { return sqlite3_changes(db_.get()); }

  // Pages of the file that are in memory, as far as nobody uses them.
  void release_memory() { (void)sqlite3_db_release_memory(db_.get()); }

  // The error of the last failed call, for people: "disk full (database or disk is full)".
  [[nodiscard]] Error error(int code) const;

  [[nodiscard]] sqlite3* get() const { return db_.get(); }

  explicit operator bool() const { return db_ != nullptr; }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
  };

  std::unique_ptr<sqlite3, Close> db_;
};

// A prepared statement. Bound texts and blobs must live until run() or reset(); columns are valid
// until the next step.
class Statement {
 public:
  int prepare(const Db& db, const char* sql);
  template <class T>

  requires std::is_integral_v<T> || std::is_enum_v<T> Statement& bind(int index, T value) {
    sqlite3_bind_int64(stmt_.get(), index, static_cast<sqlite3_int64>(value));
    return *this;
  }

  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, std::span<const std::uint8_t> blob);

  // One step: SQLITE_ROW, SQLITE_DONE or an error.
  int step() { return sqlite3_step(stmt_.get()); }

  int reset() { return sqlite3_reset(stmt_.get()); }

  // Steps a statement without rows to its end and resets it: SQLITE_OK or an error.
  int run();

  [[nodiscard]] std::int64_t column_int(int index) {
    return sqlite3_column_int64(stmt_.get(), index);
  }

  [[nodiscard]] std::string column_text(int index);
  // As much of the blob as fits; the rest of `out` is zero.
  void column_blob(int index, std::span<std::uint8_t> out);

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* stmt) const { sqlite3_finalize(stmt); }
  };

  std::unique_ptr<sqlite3_stmt, Finalize> stmt_;
};

}  // namespace roost::store
