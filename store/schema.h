// The tables of state.db as numbered migrations; PRAGMA user_version says which one a file has. A
// migration that was released is never edited: a change is a new one.
#pragma once

#include <cstdint>

#include "store/sqlite.h"

namespace roost::store {

inline constexpr int kSchemaVersion = 4;
inline constexpr std::int64_t kApplicationId = 0x526f6f73;  // "Roos", at offset 68 of the file

// Brings an open database from its version to kSchemaVersion, each step in a transaction of its
// own. Returns an SQLite code; a newer version is the caller's to refuse.
[[nodiscard]] int migrate(Db& db);

}  // namespace roost::store
