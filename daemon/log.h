// The daemon's own log (roostd.log): level, component, message with key=value pairs. The one
// process-wide object. Never the value of an environment variable or a token. Any thread, after
// open_log().
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace roost::daemon {

enum class LogLevel { debug, info, warning, error };

// Appends to `path` (0600), rotated at 4 MiB with two kept. Before it is called messages go
// nowhere.
[[nodiscard]] Status open_log(const std::string& path);
void log(LogLevel level, std::string_view component, std::string_view message);

inline void log_info(std::string_view component, std::string_view message) {
  log(LogLevel::info, component, message);
}

inline void log_warning(std::string_view component, std::string_view message) {
  log(LogLevel::warning, component, message);
}

inline void log_error(std::string_view component, std::string_view message) {
  log(LogLevel::error, component, message);
}

}  // namespace roost::daemon
