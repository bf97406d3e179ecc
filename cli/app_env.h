// The environment an app gets from the shell that starts it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/ecosystem.h"
#include "core/base/result.h"

namespace roost::cli {

using Environment = std::map<std::string, std::string>;

// `environ` without what belongs to roost, to a Node parent or to systemd, and not to the app.
[[nodiscard]] Environment inherited_environment(const char* const* variables);
// Sets what --env says: "NAME=VALUE"; Errc::invalid otherwise.
[[nodiscard]] Status apply_settings(const std::vector<std::string>& settings, Environment& env);

// Takes out what the filter names.
void filter_environment(const config::EnvFilter& filter, Environment& env);

}  // namespace roost::cli
