// The lock that makes a home belong to one keeper and daemon: a flock held for as long as one of
// them lives.
#pragma once

#include <string>

#include "core/base/result.h"
#include "core/base/unique_fd.h"

namespace roost::cli {

// Makes the file (0600 whatever the umask) and takes the lock without waiting. An empty descriptor:
// someone else holds it. The lock lives until the last copy of the descriptor is closed, here and
// in programs that inherit it.
[[nodiscard]] Result<UniqueFd> try_lock(const std::string& path);

}  // namespace roost::cli
