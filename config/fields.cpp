// The table of fields.
#include <algorithm>
#include <array>

#include "config/ecosystem.h"
#include "core/base/duration.h"
#include "core/base/suggest.h"
#include "core/base/words.h"
#include "core/model/app_spec.h"

namespace roost::config {
namespace {

using Kind = Value::Kind;
using Fault = std::optional<std::string>;

Fault expected(std::string_view what, const Value& value) {
  return "must be " + std::string(what) + ", not " + std::string(to_string(value.kind));
}

bool is_number(const Value& value) {
  return value.kind == Kind::integer || value.kind == Kind::real;
}

Fault take_text(const Value& value, std::string& target) {
  if (value.kind != Kind::string && !is_number(value)) return expected("a text", value);
  target = text_of(value);
  if (target.empty()) return "is empty";
  return std::nullopt;
}

template <std::optional<std::string> AppConfig::*Target>
Fault set_text(const Value& value, AppConfig& app) {
  return take_text(value, (app.*Target).emplace());
}

// A number in a text is one, too, as in PM2.
template <std::optional<bool> AppConfig::*Target>
Fault set_bool(const Value& value, AppConfig& app) {
  const bool yes = value.kind == Kind::string && (value.string == "true" || value.string == "yes");
  const bool no = value.kind == Kind::string && (value.string == "false" || value.string == "no");
  if (value.kind != Kind::boolean && !yes && !no) return expected("true or false", value);
  app.*Target = yes || value.boolean;
  return std::nullopt;
}

template <std::optional<std::string> AppConfig::*Target>
Fault set_duration(const Value& value, AppConfig& app) {
  if (!is_number(value) && value.kind != Kind::string) return expected("a time", value);
  const std::string text = text_of(value);
  if (auto parsed = parse_duration(text); !parsed)
    return parsed.error().message + "; " + parsed.error().hint;
  app.*Target = text;
  return std::nullopt;
}

Fault set_count(const Value& value, AppConfig& app) {
  const std::string text = text_of(value);
  const bool digits =
      !text.empty() && text.size() < 8 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return expected("a number from 0", value);
  app.max_restarts = text;
  return std::nullopt;
}

Fault set_instances(const Value& value, AppConfig& app) {
  const std::string text = text_of(value);
  const std::string_view digits = std::string_view(text).substr(text.starts_with('-') ? 1 : 0);
  const bool number =
      !digits.empty() && digits.size() < 6 &&
      std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!number && text != "max") return "must be a number or \"max\", not " + text;
  app.instances = text;
  return std::nullopt;
}

// A list of texts, or one text that is cut at its blanks.
template <std::vector<std::string> AppConfig::*Target>
Fault set_words(const Value& value, AppConfig& app) {
  auto& words = app.*Target;
  if (value.kind == Kind::string) {
    words = split_words(value.string);
    return std::nullopt;
  }
  if (is_number(value)) {
    words = {text_of(value)};
    return std::nullopt;
  }
  if (value.kind != Kind::array) return expected("a list or a text", value);
  words.clear();
  for (const Value& item : value.items) {
    if (item.kind == Kind::array || item.kind == Kind::object || item.kind == Kind::null)
      return "must hold texts, not " + std::string(to_string(item.kind));
    words.push_back(text_of(item));
  }
  return std::nullopt;
}

Fault set_env(const Value& value, AppConfig& app) {
  if (value.kind != Kind::object) return expected("a table", value);
  for (const Member& member : value.members) {
    if (member.key.empty() || member.key.find('=') != std::string::npos)
      return "'" + member.key + "' cannot be the name of a variable";
    app.env[member.key] =
        member.value.kind == Kind::null ? std::nullopt : std::optional(text_of(member.value));
  }
  return std::nullopt;
}

Fault set_script(const Value& value, AppConfig& app) {
  return take_text(value, app.script);
}

Fault set_name(const Value& value, AppConfig& app) {
  if (Fault fault = take_text(value, app.name.emplace())) return fault;
  const Status valid = model::validate_name(*app.name);
  return valid ? std::nullopt : Fault(valid.error().message);
}

Fault set_port(const Value& value, AppConfig& app) {
  if (value.kind != Kind::integer) return expected("a number", value);
  app.env.emplace("PORT", text_of(value));
  return std::nullopt;
}

constexpr std::array kFields{
    Field{"script", "exec cmd command", "program, script or shell line; required", set_script},
    Field{"name", "", "name of the app; default: that of the script", set_name},
    Field{"args", "", "arguments: a list, or a text cut at its blanks",
          set_words<&AppConfig::args>},
    Field{"cwd", "", "working directory, seen from the file's; default: the file's",
          set_text<&AppConfig::cwd>},
    Field{"env", "", "variables; null takes one out", set_env},
    Field{"instances", "", "how many; max: one per processor", set_instances},
    Field{"interpreter", "exec_interpreter", "what runs the script; none: execute it directly",
          set_text<&AppConfig::interpreter>},
    Field{"interpreter_args", "node_args interpreterArgs", "arguments before the script",
          set_words<&AppConfig::interpreter_args>},
    Field{"out_file", "out output out_log", "file for stdout; NULL: keep nothing",
          set_text<&AppConfig::out_file>},
    Field{"error_file", "error err err_file err_log", "file for stderr; NULL: keep nothing",
          set_text<&AppConfig::error_file>},
    Field{"autorestart", "", "start again after an exit", set_bool<&AppConfig::autorestart>},
    Field{"autostart", "", "false: add the app, but do not start it",
          set_bool<&AppConfig::autostart>},
    Field{"max_restarts", "", "unhealthy exits in a row before giving up; default: never",
          set_count},
    Field{"min_uptime", "", "an exit before this is a quick one",
          set_duration<&AppConfig::min_uptime>},
    Field{"restart_delay", "", "wait before each restart", set_duration<&AppConfig::restart_delay>},
    Field{"kill_timeout", "", "time between SIGTERM and SIGKILL",
          set_duration<&AppConfig::kill_timeout>},
    Field{"user", "uid username", "user to run as; needs root", set_text<&AppConfig::user>},
    Field{"namespace", "", "group of the app", set_text<&AppConfig::ns>},
    Field{"port", "", "the variable PORT", set_port},
    // PM2's, without effect here so far.
    Field{"exec_mode", "", "", nullptr},
    Field{"watch", "", "", nullptr},
    Field{"ignore_watch", "", "", nullptr},
    Field{"watch_delay", "", "", nullptr},
    Field{"watch_options", "", "", nullptr},
    Field{"max_memory_restart", "", "", nullptr},
    Field{"exp_backoff_restart_delay", "", "", nullptr},
    Field{"stop_exit_codes", "", "", nullptr},
    Field{"listen_timeout", "", "", nullptr},
    Field{"wait_ready", "", "", nullptr},
    Field{"shutdown_with_message", "", "", nullptr},
    Field{"cron_restart", "cron", "", nullptr},
    Field{"log_file", "log", "", nullptr},
    Field{"merge_logs", "combine_logs", "", nullptr},
    Field{"log_date_format", "", "", nullptr},
    Field{"time", "", "", nullptr},
    Field{"log_type", "", "", nullptr},
    Field{"disable_logs", "", "", nullptr},
    Field{"pid_file", "pid", "", nullptr},
    Field{"instance_var", "", "", nullptr},
    Field{"increment_var", "", "", nullptr},
    Field{"filter_env", "", "", nullptr},
    Field{"gid", "", "", nullptr},
    Field{"append_env_to_name", "", "", nullptr},
    Field{"name_prefix", "", "", nullptr},
    Field{"kill_retry_time", "", "", nullptr},
    Field{"treekill", "", "", nullptr},
    Field{"force", "", "", nullptr},
    Field{"source_map_support", "disable_source_map_support", "", nullptr},
    Field{"vizion", "", "", nullptr},
    Field{"post_update", "", "", nullptr},
    Field{"pmx", "automation trace disable_trace v8 event_loop_inspector deep_monitoring io", "",
          nullptr},
    Field{"windows_hide", "execute_command install_url write", "", nullptr},
};

// "maxRestarts" and "max_restarts" are one.
std::string snake_case(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c >= 'A' && c <= 'Z') out += '_';
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

template <class Use>
void for_each_name(const Field& field, Use use) {
  use(field.name);
  for (std::string_view rest = field.aliases; !rest.empty();) {
    const auto size = std::min(rest.find(' '), rest.size());
    use(rest.substr(0, size));
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
}

}  // namespace

std::span<const Field> all_fields() {
  return kFields;
}

const Field* find_field(std::string_view key) {
  const std::string snake = snake_case(key);
  for (const Field& field : kFields) {
    bool named = false;
    for_each_name(field,
                  [&](std::string_view name) { named = named || name == snake || name == key; });
    if (named) return &field;
  }
  return nullptr;
}

std::string suggest_field(std::string_view key) {
  std::vector<std::string_view> names;
  for (const Field& field : kFields)
    for_each_name(field, [&](std::string_view name) { names.push_back(name); });
  return did_you_mean(snake_case(key), names);
}

}  // namespace roost::config
