// `stop` and `delete` differ in the method and one word.
#pragma once

#include <string_view>

#include "cli/invocation.h"
#include "ipc/messages/app_messages.h"

namespace roost::cli {

// `verb`: "stopped" or "deleted".
[[nodiscard]] ExitCode report_stop(Invocation& invocation, const ipc::StopReply& reply,
                                   std::string_view verb);

}  // namespace roost::cli
