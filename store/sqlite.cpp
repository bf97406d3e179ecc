#include "store/sqlite.h"

#include <algorithm>
#include <cstring>

namespace roost::store {

SqlFault classify(int code) {
  switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return SqlFault::none;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return SqlFault::corrupt;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
      return SqlFault::transient;
    default:
      return SqlFault::refused;
  }
}

int Db::open(const std::string& path, const std::string& vfs) {
  // Counting every allocation costs a lock and serves nobody here; refused harmlessly when SQLite
  // is already in use.
  static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  (void)configured;
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                                   vfs.empty() ? nullptr : vfs.c_str());
  db_.reset(db);
  if (code != SQLITE_OK) {
    db_.reset();
    return code;
  }
  sqlite3_extended_result_codes(db, 1);
  sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, nullptr, 0, 0);  // saves 48 KiB
  return sqlite3_busy_timeout(db, 2000);
}

std::int64_t Db::query_int(const char* sql, std::int64_t fallback) {
  Statement statement;
  if (statement.prepare(*this, sql) != SQLITE_OK || statement.step() != SQLITE_ROW) return fallback;
  return statement.column_int(0);
}

std::string Db::query_text(const char* sql) {
  Statement statement;
  if (statement.prepare(*this, sql) != SQLITE_OK || statement.step() != SQLITE_ROW) return {};
  return statement.column_text(0);
}

Error Db::error(int code) const {
  std::string message = db_ != nullptr ? sqlite3_errmsg(db_.get()) : sqlite3_errstr(code);
  switch (classify(code)) {
    case SqlFault::transient:
      return Error{Errc::io, std::move(message),
                   "is the disk full, or the file in use by another program?"};
    case SqlFault::none:
    case SqlFault::corrupt:
    case SqlFault::refused:
      break;
  }
  return Error{Errc::internal, std::move(message), {}};
}

int Statement::prepare(const Db& db, const char* sql) {
  sqlite3_stmt* stmt = nullptr;
  const int code = sqlite3_prepare_v3(db.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, nullptr);
  stmt_.reset(stmt);
  return code;
}

Statement& Statement::bind(int index, std::string_view text) {
  // A null pointer would bind NULL, which no column takes.
  const char* data = text.data() != nullptr ? text.data() : "";
  sqlite3_bind_text64(stmt_.get(), index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int index, std::span<const std::uint8_t> blob) {
  sqlite3_bind_blob64(stmt_.get(), index, blob.data(), blob.size(), SQLITE_STATIC);
  return *this;
}

int Statement::run() {
  const int code = step();
  const int reset_code = reset();
  return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : reset_code;
}

std::string Statement::column_text(int index) {
  const unsigned char* text = sqlite3_column_text(stmt_.get(), index);
  if (text == nullptr) return {};
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(stmt_.get(), index));
  return std::string(reinterpret_cast<const char*>(text), size);
}

void Statement::column_blob(int index, std::span<std::uint8_t> out) {
  const void* data = sqlite3_column_blob(stmt_.get(), index);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(stmt_.get(), index));
  const std::size_t copied = data != nullptr ? std::min(size, out.size()) : 0;
  if (copied > 0) std::memcpy(out.data(), data, copied);
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(copied), out.end(), std::uint8_t{0});
}

}  // namespace roost::store
