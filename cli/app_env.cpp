#include "cli/app_env.h"

#include <algorithm>
#include <array>

namespace roost::cli {
namespace {

// `_` is the path of roost itself; the others would make an app answer to a parent that is not its
// own.
constexpr std::array<std::string_view, 11> kNotForApps{"_",
                                                       "NODE_CHANNEL_FD",
                                                       "NODE_CHANNEL_SERIALIZATION_MODE",
                                                       "LISTEN_FDS",
                                                       "LISTEN_PID",
                                                       "LISTEN_FDNAMES",
                                                       "NOTIFY_SOCKET",
                                                       "WATCHDOG_USEC",
                                                       "WATCHDOG_PID",
                                                       "INVOCATION_ID",
                                                       "JOURNAL_STREAM"};

bool is_for_apps(std::string_view name) {
  // ROOST_HOME is the user's setting, all else of that name is internal.
  if (name.starts_with("ROOST_")) return name == "ROOST_HOME";
  return std::find(kNotForApps.begin(), kNotForApps.end(), name) == kNotForApps.end();
}

}  // namespace

Environment inherited_environment(const char* const* variables) {
  Environment env;
  for (; *variables != nullptr; ++variables) {
    const std::string_view entry = *variables;
    const auto equals = entry.find('=');
    if (equals == entry.npos || equals == 0) continue;
    const auto name = entry.substr(0, equals);
    if (is_for_apps(name)) env.emplace(name, entry.substr(equals + 1));
  }
  return env;
}

void filter_environment(const config::EnvFilter& filter, Environment& env) {
  static constexpr std::array<std::string_view, 9> kAlways{
      "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"};
  std::erase_if(env, [&](const auto& variable) {
    const std::string& name = variable.first;
    const bool named =
        std::find(filter.names.begin(), filter.names.end(), name) != filter.names.end();
    const bool fits =
        std::any_of(filter.parts.begin(), filter.parts.end(), [&](const std::string& part) {
          return !part.empty() && name.find(part) != std::string::npos;
        });
    const bool other = std::find(kAlways.begin(), kAlways.end(), name) == kAlways.end();
    return named || fits || (filter.everything && other);
  });
}

Status apply_settings(const std::vector<std::string>& settings, Environment& env) {
  for (const auto& setting : settings) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error{Errc::invalid, "--env '" + setting + "' is not NAME=VALUE", {}};
    env[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  return ok();
}

}  // namespace roost::cli
