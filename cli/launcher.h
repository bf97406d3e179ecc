// Gets a connection to the daemon of a home, and starts keeper and daemon when there are none.
// However many clients race, one pair is started: whoever gets the home's lock starts it, and the
// keeper inherits the lock.
#pragma once

#include <optional>

#include "core/base/result.h"
#include "core/base/time.h"
#include "ipc/client.h"
#include "ipc/paths.h"

namespace roost::cli {

inline constexpr Duration kLaunchLimit = 5s;  // from the start of the keeper to the first answer

// Errc::unavailable with the daemon's own last words when it cannot be started or does not answer.
[[nodiscard]] Result<ipc::Client> connect_or_launch(const ipc::Paths& paths);

// For who had a daemon: connects to the next one, and starts a pair where the last one was killed.
// Errc::unavailable where it has ended in order, as by `roost kill`.
[[nodiscard]] Result<ipc::Client> connect_again(const ipc::Paths& paths);

// For a client that waits: where keeper and daemon were both killed, nobody else would start them.
void revive_when_lost(ipc::Client& client, const ipc::Paths& paths);

// Never starts anything. Nothing: neither keeper nor daemon runs. A daemon of whatever protocol:
// it may be replaced or ended.
[[nodiscard]] Result<std::optional<ipc::Client>> connect_if_running(const ipc::Paths& paths);

// Until keeper and daemon have ended; Errc::timeout after `limit`.
[[nodiscard]] Status wait_until_gone(const ipc::Paths& paths, Duration limit);

}  // namespace roost::cli
