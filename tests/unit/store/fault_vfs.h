// An SQLite VFS that passes everything to the default one and fails on demand, like a full or
// broken disk.
#pragma once

#include <atomic>

namespace roost::store {

struct FaultPlan {
  std::atomic<int> writes_left{
      -1};  // this many more writes succeed, then all fail with `code`; -1: no limit
  std::atomic<int> code{13};  // SQLITE_FULL
  std::atomic<int> syncs{0};  // counts calls that reach the disk's fsync
};

// Registered under this name on first use.
const char* fault_vfs();
FaultPlan& fault_plan();

}  // namespace roost::store
