// What `start` and `restart` print at their end, and the status they return.
#pragma once

#include "cli/invocation.h"
#include "cli/output/app_views.h"

namespace roost::cli {

// `verb`: "started", "restarting" … ExitCode::unhealthy when any instance did not come up.
[[nodiscard]] ExitCode report_start(Invocation& invocation, const ipc::StartReply& reply,
                                    std::string_view verb);

}  // namespace roost::cli
