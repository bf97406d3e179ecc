#include "tests/unit/store/fault_vfs.h"

#include <cstring>
#include <new>

#include <sqlite3.h>

namespace roost::store {
namespace {

constexpr const char* kName = "roost-faults";

// SQLite allocates szOsFile bytes: this, and behind it the real file.
struct File {
  sqlite3_file base;

  [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<File*>(file)->real();
}

sqlite3_vfs* real_vfs(sqlite3_vfs* vfs) {
  return static_cast<sqlite3_vfs*>(vfs->pAppData);
}

bool spend_write() {
  FaultPlan& plan = fault_plan();
  int left = plan.writes_left.load();
  while (left > 0 && !plan.writes_left.compare_exchange_weak(left, left - 1)) {
  }
  return left != 0;
}

int close_file(sqlite3_file* file) {
  return real(file)->pMethods->xClose(real(file));
}

int read(sqlite3_file* file, void* to, int n, sqlite3_int64 at) {
  return real(file)->pMethods->xRead(real(file), to, n, at);
}

int write(sqlite3_file* file, const void* from, int n, sqlite3_int64 at) {
  if (!spend_write()) return fault_plan().code.load();
  return real(file)->pMethods->xWrite(real(file), from, n, at);
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  return real(file)->pMethods->xTruncate(real(file), size);
}

int sync(sqlite3_file* file, int flags) {
  fault_plan().syncs.fetch_add(1);
  return real(file)->pMethods->xSync(real(file), flags);
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}

int lock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xLock(real(file), level);
}

int unlock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}

int check_lock(sqlite3_file* file, int* out) {
  return real(file)->pMethods->xCheckReservedLock(real(file), out);
}

int control(sqlite3_file* file, int op, void* arg) {
  return real(file)->pMethods->xFileControl(real(file), op, arg);
}

int sector_size(sqlite3_file* file) {
  return real(file)->pMethods->xSectorSize(real(file));
}

int traits(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

const sqlite3_io_methods kMethods{1,       close_file,  read,    write,   truncate,
                                  sync,    file_size,   lock,    unlock,  check_lock,
                                  control, sector_size, traits,  nullptr, nullptr,
                                  nullptr, nullptr,     nullptr, nullptr};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
  const int code = real_vfs(vfs)->xOpen(real_vfs(vfs), name, real(file), flags, out);
  file->pMethods = real(file)->pMethods != nullptr ? &kMethods : nullptr;
  return code;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_dir) {
  return real_vfs(vfs)->xDelete(real_vfs(vfs), name, sync_dir);
}

int access(sqlite3_vfs* vfs, const char* name, int flags, int* out) {
  return real_vfs(vfs)->xAccess(real_vfs(vfs), name, flags, out);
}

int full_path(sqlite3_vfs* vfs, const char* name, int n, char* out) {
  return real_vfs(vfs)->xFullPathname(real_vfs(vfs), name, n, out);
}

}  // namespace

FaultPlan& fault_plan() {
  static FaultPlan plan;
  return plan;
}

const char* fault_vfs() {
  static sqlite3_vfs vfs;
  if (sqlite3_vfs_find(kName) != nullptr) return kName;
  sqlite3_vfs* base = sqlite3_vfs_find(nullptr);
  vfs = *base;  // randomness, sleep and time are used as they are
  vfs.szOsFile = static_cast<int>(sizeof(File)) + base->szOsFile;
  vfs.zName = kName;
  vfs.pNext = nullptr;
  vfs.pAppData = base;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  vfs.xAccess = access;
  vfs.xFullPathname = full_path;
  sqlite3_vfs_register(&vfs, 0);
  return kName;
}

}  // namespace roost::store
