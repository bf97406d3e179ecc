// The history of changes, for people. Pure.
#pragma once

#include <string>

#include "cli/output/terminal.h"
#include "ipc/messages/history_messages.h"

namespace roost::cli {

// "12  2026-11-24 16:03:07  anna  roost apply (/srv/roost.toml)" and, below it, what was done with
// each app. Newest first, each line with a newline.
[[nodiscard]] std::string history_text(const ipc::HistoryReply& reply, const Terminal& terminal);

}  // namespace roost::cli
