// The table of fields.
#include <algorithm>
#include <array>

#include "config/ecosystem.h"
#include "config/nested_fields.h"
#include "config/policy_setters.h"
#include "config/setters.h"
#include "core/base/suggest.h"
#include "core/model/limits.h"
#include "core/model/log_format.h"

namespace roost::config {
namespace {

using model::AppSpec;

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

Fault set_env_file(const Value& value, AppConfig& app) {
  const auto add = [&app](const Value& file) -> Fault {
    if (file.kind != Kind::string || file.string.empty())
      return "must be the name of a file, or a list of them";
    app.env_files.push_back({file.string, file.at});
    return std::nullopt;
  };
  if (value.kind != Kind::array) return add(value);
  for (const Value& file : value.items)
    if (Fault fault = add(file)) return fault;
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
  constexpr std::int64_t kLast = 65'535;
  if (value.integer < 0 || value.integer > kLast) return "must be a port from 0 to 65535";
  app.env.emplace("PORT", text_of(value));
  if (app.settings.increment_var.empty()) app.settings.increment_var = "PORT";
  return std::nullopt;
}

Fault set_log_file(const Value& value, AppConfig& app) {
  if (const auto wanted = bool_of(value)) {
    app.log_file.reset();
    if (*wanted) app.log_file = std::string(model::kDefaultLogFile);
    return std::nullopt;
  }
  return take_text(value, app.log_file.emplace());
}

// A format of its own goes over it, whichever comes first.
Fault set_time(const Value& value, AppConfig& app) {
  const auto wanted = bool_of(value);
  if (!wanted) return expected("true or false", value);
  if (*wanted && app.settings.log_date_format.empty())
    app.settings.log_date_format = model::kTimeFormat;
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
    Field{"env_file", "", "file of variables below `env`, or a list of such", set_env_file},
    Field{"env_from", "",
          "variables resolved at each start: file:, cmd:, systemd-credential:", set_env_from},
    Field{"instances", "", "how many; max: one per processor", set_instances},
    Field{"interpreter", "exec_interpreter", "what runs the script; none: execute it directly",
          set_text<&AppConfig::interpreter>},
    Field{"interpreter_args", "node_args interpreterArgs", "arguments before the script",
          set_words<&AppConfig::interpreter_args>},
    Field{"out_file", "out output out_log", "file for stdout; NULL: keep nothing",
          set_text<&AppConfig::out_file>},
    Field{"error_file", "error err err_file err_log", "file for stderr; NULL: keep nothing",
          set_text<&AppConfig::error_file>},
    Field{"log_file", "log", "file for both streams as well; true: logs/NAME.log", set_log_file},
    Field{"merge_logs", "combine_logs", "one file for all instances", set<&AppSpec::merge_logs>},
    Field{"log_date_format", "", "time before each line: YYYY-MM-DD HH:mm:ss, …",
          set<&AppSpec::log_date_format>},
    Field{"time", "", "YYYY-MM-DDTHH:mm:ss before each line", set_time},
    Field{"log_type", "", "what stands in the log files: raw, json", set<&AppSpec::log_type>},
    Field{"disable_logs", "", "keep no output", set<&AppSpec::disable_logs>},
    Field{"tty", "", "stdin, stdout and stderr are a terminal; out_file has both",
          set<&AppSpec::tty>},
    Field{"on_full", "", "output on a full disk: block, drop", set<&AppSpec::on_full>},
    Field{"autorestart", "", "start again after an exit", set_autorestart},
    Field{"restart", "", "after which exits: always, on-failure, never", set<&AppSpec::restart>},
    Field{"autostart", "", "false: add the app, but do not start it",
          set_bool<&AppConfig::autostart>},
    Field{"max_restarts", "", "restarts before giving up: N in a row, or N/TIME; default: never",
          set_max_restarts},
    Field{"min_uptime", "", "an exit before this is a quick one", set<&AppSpec::min_uptime>},
    Field{"restart_delay", "", "wait before each restart", set<&AppSpec::restart_delay>},
    Field{"kill_timeout", "", "time between SIGTERM and SIGKILL", set<&AppSpec::kill_timeout>},
    Field{"user", "uid username", "user to run as; needs root", set<&AppSpec::user>},
    Field{"namespace", "", "group of the app", set<&AppSpec::ns>},
    Field{"port", "", "PORT of the first instance; each next has one more", set_port},
    Field{"stop_exit_codes", "", "exit codes that are a wanted end", set_exit_codes},
    Field{"exp_backoff_restart_delay", "", "first of the doubling delays between restarts",
          set<&AppSpec::exp_backoff_restart_delay>},
    Field{"wait_ready", "", "online when the app says that it is ready", set<&AppSpec::wait_ready>},
    Field{"listen_timeout", "", "time to become ready", set<&AppSpec::listen_timeout>},
    Field{"min_ready", "", "alive this long is ready, where nothing else tells",
          set<&AppSpec::min_ready>},
    Field{"ipc", "", "a channel of Node's protocol", set<&AppSpec::ipc>},
    Field{"health", "", "how it is found out whether the app works: a table", set_health},
    Field{"depends_on", "", "apps that come first, and how far they have to be", set_depends_on},
    Field{"wait_for", "", "addresses and files that come first", set<&AppSpec::wait_for>},
    Field{"watchdog", "", "longest time between two WATCHDOG=1", set<&AppSpec::watchdog>},
    Field{"stop_signal", "", "signal that asks to stop; default: SIGTERM", set_stop_signal},
    Field{"kill_mode", "", "whom a stop reaches: tree, process", set<&AppSpec::kill_mode>},
    Field{"treekill", "", "false: kill_mode process", set_treekill},
    Field{"shutdown_with_message", "", "ask to stop by a message over the channel",
          set<&AppSpec::shutdown_with_message>},
    Field{"watch", "", "restart when a file changes: true, or paths", set_watch},
    Field{"ignore_watch", "", "patterns of files that do not count", set<&AppSpec::ignore_watch>},
    Field{"watch_options", "", "PM2's; accepted, nothing of it is needed", accept_table},
    Field{"watch_delay", "", "quiet time before the restart", set<&AppSpec::watch_delay>},
    Field{"cron_restart", "cron", "when to restart, as in crontab", set_cron},
    Field{"timezone", "", "time zone of cron_restart and schedule", set_timezone},
    Field{"type", "", "service, or job: runs at its times and ends by itself", set_type},
    Field{"schedule", "", "when a job runs, as in crontab; default: on request", set_schedule},
    Field{"overlap", "", "a job's time while it runs: skip, queue, kill", set<&AppSpec::overlap>},
    Field{"timeout", "", "a run of a job that takes longer has failed", set<&AppSpec::job_timeout>},
    Field{"retries", "", "further tries of a run that has failed",
          set<&AppSpec::retries, 0, model::limits::kMaxRetries>},
    Field{"catch_up", "", "run once for times that came while roost was off",
          set<&AppSpec::catch_up>},
    Field{"max_memory_restart", "", "memory of the whole tree that causes a restart", set_memory},
    Field{"memory_max", "", "memory that the whole tree cannot exceed: the kernel ends it",
          set_memory_max},
    Field{"stop_command", "", "shell line that asks to stop, instead of the signal",
          set<&AppSpec::stop_command>},
    Field{"group", "gid", "group to run as; needs root", set<&AppSpec::group>},
    Field{"umask", "", "file mode creation mask, octal", set_umask},
    Field{"rlimits", "", "limits by name: SOFT:HARD, or one for both", set_rlimits},
    Field{"nice", "", "niceness", set<&AppSpec::nice, -20, 19>},
    Field{"no_new_privs", "", "no more rights by exec", set<&AppSpec::no_new_privs>},
    Field{"instance_var", "", "variable with the number of the instance",
          set<&AppSpec::instance_var>},
    Field{"increment_var", "", "variable counted up by instance", set<&AppSpec::increment_var>},
    Field{"labels", "", "words to select apps by: a table", set_labels},
    Field{"filter_env", "", "variables of the shell that are not inherited", set_filter_env},
    Field{"name_prefix", "", "PREFIX:name", set_name_prefix},
    Field{"append_env_to_name", "", "name-ENV with --env ENV", set_append_env},
    // PM2's, without effect here so far.
    Field{"exec_mode", "", "", nullptr},
    Field{"pid_file", "pid", "", nullptr},
    Field{"kill_retry_time", "", "", nullptr},
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
