// What a command says that did one thing to each instance.
#pragma once

#include <string_view>

#include "cli/invocation.h"
#include "ipc/messages/app_messages.h"

namespace roost::cli {

// "<verb> api#1 (pid 12)", a line each; the pid is left out where there is none.
[[nodiscard]] ExitCode report_instances(Invocation& invocation, const ipc::ListReply& reply,
                                        std::string_view verb);

}  // namespace roost::cli
