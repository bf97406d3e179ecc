#include "store/state_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/unique_fd.h"
#include "store/schema.h"

namespace roost::store {
namespace {

constexpr off_t kCheckAtOnceBytes = 4 << 20;
constexpr std::size_t kAsideKept = 5;
constexpr mode_t kPrivate = 0600;

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

off_t size_of(const std::string& path) {
  struct stat file {};

  return ::stat(path.c_str(), &file) == 0 ? file.st_size : 0;
}

// SQLite gives -wal the mode of the database, so making that one private is enough, whatever the
// umask. The file of an open database must not be opened a second time: closing that would drop
// SQLite's locks.
Status make_private_file(const std::string& path) {
  const UniqueFd made(::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, kPrivate));
  if (!made && errno != EEXIST) return errno_error("'" + path + "'", errno);
  if (made) {
    const UniqueFd directory(
        ::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory) (void)::fsync(directory.get());  // best effort: some file systems cannot
  }

  struct stat file {};

  if (::stat(path.c_str(), &file) != 0) return errno_error("'" + path + "'", errno);
  if (!S_ISREG(file.st_mode)) return Error{Errc::invalid, "'" + path + "' is not a file", {}};
  if ((file.st_mode & 0777) != kPrivate && ::chmod(path.c_str(), kPrivate) != 0)
    return errno_error("'" + path + "'", errno);
  return ok();
}

// Exclusive: one daemon per home holds the file anyway, and without a -shm file a database can be
// read on a full disk.
constexpr const char* kSettings =
    "PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA cache_size = -256;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA wal_autocheckpoint = 256;"
    "PRAGMA journal_size_limit = 1048576;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA trusted_schema = OFF;";

// One attempt at the file as it is.
struct Attempt {
  int code = SQLITE_OK;
  std::int64_t version = 0;
  std::string message;  // when it failed
  OpenedFile file;
};

// A database of another program has tables, but not our mark.
bool is_foreign(Db& db) {
  if (db.query_int("PRAGMA application_id", 0) == kApplicationId) return false;
  return db.query_int("SELECT count(*) FROM sqlite_schema", 0) > 0;
}

int open_and_migrate(Db& db, const FileOptions& options, Attempt& attempt) {
  int code = db.open(options.path, options.vfs);
  if (code == SQLITE_OK) code = db.exec(kSettings);
  if (code != SQLITE_OK) return code;
  attempt.version = db.query_int("PRAGMA user_version", 0);
  if (attempt.version > kSchemaVersion) return SQLITE_MISMATCH;
  if (is_foreign(db)) return SQLITE_NOTADB;
  return migrate(db);
}

Attempt try_open(const FileOptions& options) {
  Attempt attempt;
  const off_t bytes = size_of(options.path) + size_of(options.path + "-wal");
  Db db;
  attempt.code = open_and_migrate(db, options, attempt);
  if (attempt.code != SQLITE_OK) {
    attempt.message = db.error(attempt.code).message;
    return attempt;
  }
  std::unique_ptr<StateDb> state =
      StateDb::make(std::move(db), options.path, options.exits_kept, attempt.code);
  if (attempt.code == SQLITE_OK && bytes > 0 && bytes <= kCheckAtOnceBytes)
    attempt.code = state->quick_check();
  if (attempt.code == SQLITE_OK) attempt.file.snapshot = state->load(attempt.code);
  if (attempt.code != SQLITE_OK) {
    attempt.message = sqlite3_errstr(attempt.code);
    return attempt;
  }
  attempt.file.check_later = bytes > kCheckAtOnceBytes;
  attempt.file.db = std::move(state);
  return attempt;
}

// A statement that cannot be prepared on a file with our mark and version means that its tables are
// not what they should be.
bool is_damaged(int code) {
  return classify(code) == SqlFault::corrupt || (code & 0xff) == SQLITE_ERROR;
}

Error newer(const std::string& path, std::int64_t version) {
  return Error{Errc::conflict,
               "'" + path + "' was written by a newer roost (schema " + std::to_string(version) +
                   ", this one knows " + std::to_string(kSchemaVersion) + ")",
               "install that version again, or move the file away to start without its history"};
}

std::string utc_stamp() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32];
  ::gmtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

std::string unused_name(const std::string& base) {
  std::string name = base;
  for (int n = 1; ::access(name.c_str(), F_OK) == 0; ++n)
    name = base + "-" + std::to_string(n);
  return name;
}

// Names of earlier ones, oldest first: the UTC stamp sorts.
std::vector<std::string> find_aside(const std::string& path) {
  std::vector<std::string> found;
  const std::string prefix = path.substr(path.rfind('/') + 1) + ".corrupt-";
  const std::string directory = directory_of(path);
  DIR* listing = ::opendir(directory.c_str());
  if (listing == nullptr) return found;
  while (const dirent* entry = ::readdir(listing)) {
    const std::string_view name = entry->d_name;
    if (name.rfind(prefix, 0) == 0 && !name.ends_with("-wal"))
      found.push_back(directory + "/" + std::string(name));
  }
  ::closedir(listing);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Result<std::string> move_aside(const std::string& path) {
  const std::string aside = unused_name(path + ".corrupt-" + utc_stamp());
  if (::rename(path.c_str(), aside.c_str()) != 0)
    return errno_error("moving '" + path + "' aside", errno);
  // A log left behind would be played into the fresh database.
  const std::string wal = path + "-wal";
  if (::rename(wal.c_str(), (aside + "-wal").c_str()) != 0) (void)::unlink(wal.c_str());
  for (const char* suffix : {"-shm", "-journal"})
    (void)::unlink((path + suffix).c_str());  // mostly absent
  const std::vector<std::string> all = find_aside(path);
  for (std::size_t i = 0; i + kAsideKept < all.size(); ++i) {
    (void)::unlink(all[i].c_str());  // one that cannot be removed now goes next time
    (void)::unlink((all[i] + "-wal").c_str());
  }
  return aside;
}

Result<OpenedFile> open_state_file(const FileOptions& options) {
  std::string recreated;
  for (int round = 0;; ++round) {
    if (Status made = make_private_file(options.path); !made) return std::move(made).error();
    const bool was_empty = size_of(options.path) == 0 && size_of(options.path + "-wal") == 0;
    Attempt attempt = try_open(options);
    if (attempt.code == SQLITE_OK) {
      attempt.file.recreated = std::move(recreated);
      return std::move(attempt.file);
    }
    if (attempt.version > kSchemaVersion) return newer(options.path, attempt.version);
    if (is_damaged(attempt.code) && round == 0) {
      const Result<std::string> aside = move_aside(options.path);
      if (!aside) return aside.error();
      recreated =
          "'" + options.path + "' was damaged (" + attempt.message + "); moved to '" + *aside + "'";
      continue;
    }
    if (was_empty && classify(attempt.code) == SqlFault::transient) {
      attempt.file.recreated = std::move(recreated);
      attempt.file.why = attempt.message;
      return std::move(attempt.file);
    }
    Error error{(attempt.code & 0xff) == SQLITE_BUSY ? Errc::unavailable : Errc::io,
                "'" + options.path + "': " + attempt.message, "is another program using the file?"};
    return error;
  }
}

}  // namespace roost::store
