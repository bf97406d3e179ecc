// What roost uses itself, for people. Pure.
#pragma once

#include <string>

#include "cli/output/terminal.h"
#include "ipc/messages/daemon_messages.h"

namespace roost::cli {

[[nodiscard]] std::string stats_text(const ipc::DaemonStats& stats, const Terminal& terminal);

}  // namespace roost::cli
