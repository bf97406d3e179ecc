// The table as a memfd: a keeper replaced in place, or roostd becoming the keeper.
#pragma once

#include "keeper/keeper.h"
#include "keeper/table.h"

namespace roost::keeper {

// A sealed memfd (close-on-exec) with the table; -1 on failure.
int save_table(const Table& table);

// Null when the memfd holds a table that load_table() takes, else the reason why not. Looks at
// content only, not at whether its descriptors are open.
const char* check_table(int memfd);

// Fills an empty table; `run_capacity` is raised when the memfd holds more. Runs that are not our
// children become foreign, descriptors that are not open lose their bit. Null, or the reason.
const char* load_table(int memfd, Table& table, std::uint32_t run_capacity);

// Execs the keeper's file anew with the table, after that file has accepted it (--check in a
// child). Returns only when that failed; everything is as before then.
void exec_keeper(const Options& options, Table& table);

}  // namespace roost::keeper
