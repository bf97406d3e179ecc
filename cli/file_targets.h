// Targets that are files of apps.
#pragma once

#include <string>
#include <vector>

#include "cli/invocation.h"
#include "core/base/result.h"

namespace roost::cli {

// Words with the files of apps among them replaced by those of their apps that are there; of others
// there is a note. Errc::not_found when none of a file is there. Asks the daemon.
[[nodiscard]] Result<std::vector<std::string>> expand_targets(
    Invocation& invocation, const std::vector<std::string>& words);

}  // namespace roost::cli
