// One event as a line of text. Pure.
#pragma once

#include <string>

#include "cli/output/terminal.h"
#include "ipc/messages/event_messages.h"

namespace roost::cli {

// "2026-11-24 16:03:07  exit    api#1  pid 812: exit code 3 after 12ms; restarting at once", cut to
// the terminal, with a newline.
[[nodiscard]] std::string event_line(const ipc::EventInfo& event, const Terminal& terminal);

}  // namespace roost::cli
