// `start` of a configuration file.
#pragma once

#include "cli/app_builder.h"
#include "cli/config_file.h"
#include "cli/invocation.h"

namespace roost::cli {

// Brings the apps of options.targets, one file, to what it says.
[[nodiscard]] ExitCode start_config(Invocation& invocation, const StartOptions& options,
                                    ConfigWishes wishes);

}  // namespace roost::cli
