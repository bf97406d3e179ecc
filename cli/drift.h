// Drift: whether a file of apps is still what it was when it was applied, as the invoking user sees
// it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/model/file_stamp.h"
#include "ipc/messages/app_messages.h"

namespace roost::cli {

// Nothing when it cannot be read.
[[nodiscard]] std::optional<model::FileStamp> stamp_of(const std::string& path);

// Marks the files that have changed. Content is read only where size is the same and time is not.
void find_drift(std::vector<ipc::ConfigFile>& files);

// "api, web: /srv/roost.toml has changed since it was applied (roost plan /srv/roost.toml)"
[[nodiscard]] std::vector<std::string> drift_lines(const std::vector<ipc::ConfigFile>& files);

}  // namespace roost::cli
