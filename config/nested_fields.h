// Fields of a file that are tables or lists with a form of their own.
#pragma once

#include <optional>
#include <string>

#include "config/ecosystem.h"

namespace roost::config {

// Each sets the setting, or says what is wrong with the value.

// "http://…", "tcp:host:port", "exec:command", or
// { http = "http://…" | tcp = "host:port" | exec = "command", interval, timeout, retries,
// start_grace }
[[nodiscard]] std::optional<std::string> set_health(const Value& value, AppConfig& app);

// { NAME = "SOURCE" }, or a list of "NAME=SOURCE"; a source is file:PATH, cmd:SHELL LINE or
// systemd-credential:NAME.
[[nodiscard]] std::optional<std::string> set_env_from(const Value& value, AppConfig& app);

// A list of names, which have to be started; or names with what they have to be: started, ready or
// completed, also in compose's words and as tables { condition = … }.
[[nodiscard]] std::optional<std::string> set_depends_on(const Value& value, AppConfig& app);

// A table of names and values.
[[nodiscard]] std::optional<std::string> set_labels(const Value& value, AppConfig& app);

}  // namespace roost::config
