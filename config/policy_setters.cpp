#include "config/policy_setters.h"

#include "core/base/zone_file.h"
#include "core/model/cron.h"
#include "core/model/exit_status.h"
#include "core/model/process_limits.h"
#include "core/model/restart_policy.h"
#include "core/model/time_zone.h"

namespace roost::config {
namespace {

Fault told(const Error& error) {
  return "is wrong: " + error.message + (error.hint.empty() ? "" : "; " + error.hint);
}

bool is_text(const Value& value) {
  return value.kind == Kind::string || is_number(value);
}

}  // namespace

// PM2's word for `restart`.
Fault set_autorestart(const Value& value, AppConfig& app) {
  const auto again = bool_of(value);
  if (!again) return expected("true or false", value);
  if (!*again) app.settings.restart = model::RestartWhen::never;
  return std::nullopt;
}

Fault set_exit_codes(const Value& value, AppConfig& app) {
  std::vector<std::string> words;
  if (Fault fault = take_words(value, words)) return fault;
  std::vector<std::int32_t> codes;
  for (const std::string& word : words) {
    std::int32_t code = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), code);
    if (error != std::errc{} || end != word.data() + word.size() || code < 0 || code > 255)
      return "must hold exit codes from 0 to 255, not " + word;
    codes.push_back(code);
  }
  app.settings.stop_exit_codes = std::move(codes);
  return std::nullopt;
}

Fault set_max_restarts(const Value& value, AppConfig& app) {
  if (!is_text(value)) return expected("a number", value);
  const auto limit = model::parse_restart_limit(text_of(value));
  if (!limit) return told(limit.error());
  app.settings.max_restarts = limit->count;
  app.settings.max_restarts_within = limit->within;
  return std::nullopt;
}

Fault set_stop_signal(const Value& value, AppConfig& app) {
  if (!is_text(value)) return expected("a signal", value);
  const int number = model::signal_number(text_of(value));
  if (number == 0) return "must be a signal: a name as in `kill -l` (INT, SIGUSR2), or a number";
  app.settings.stop_signal = static_cast<std::uint32_t>(number);
  return std::nullopt;
}

// PM2's word for `kill_mode`.
Fault set_treekill(const Value& value, AppConfig& app) {
  const auto tree = bool_of(value);
  if (!tree) return expected("true or false", value);
  app.settings.kill_mode = *tree ? model::KillMode::tree : model::KillMode::process;
  return std::nullopt;
}

// Paths are made absolute later, when the directory of the app is known.
Fault set_watch(const Value& value, AppConfig& app) {
  app.settings.watch_paths.clear();
  if (const auto on = bool_of(value)) {
    app.settings.watch = *on;
    return std::nullopt;
  }
  if (value.kind == Kind::integer || value.kind == Kind::real)
    return expected("true, false or paths", value);
  if (Fault fault = take_words(value, app.settings.watch_paths)) return fault;
  app.settings.watch = !app.settings.watch_paths.empty();
  return std::nullopt;
}

Fault accept_table(const Value& value, AppConfig& /*app*/) {
  return value.kind == Kind::object ? Fault() : expected("a table", value);
}

// As in PM2, 0 and false mean none.
Fault set_cron(const Value& value, AppConfig& app) {
  const std::string text = text_of(value);
  app.settings.cron_restart.clear();
  if (text == "0" || text == "false") return std::nullopt;
  if (value.kind != Kind::string) return expected("a text of five or six fields", value);
  if (const auto cron = model::Cron::parse(text); !cron) return told(cron.error());
  app.settings.cron_restart = text;
  return std::nullopt;
}

Fault set_type(const Value& value, AppConfig& app) {
  const bool job = value.kind == Kind::string && value.string == "job";
  if (!job && (value.kind != Kind::string || value.string != "service"))
    return "must be one of service, job";
  app.settings.job = job;
  return std::nullopt;
}

Fault set_schedule(const Value& value, AppConfig& app) {
  if (value.kind != Kind::string) return expected("a text of five or six fields", value);
  if (const auto cron = model::Cron::parse(value.string); !cron) return told(cron.error());
  app.settings.schedule = value.string;
  return std::nullopt;
}

Fault set_timezone(const Value& value, AppConfig& app) {
  if (value.kind != Kind::string) return expected("the name of a time zone", value);
  const auto bytes = read_zone_file(value.string);
  if (!bytes) return told(bytes.error());
  if (const auto zone = model::TimeZone::from_tzif(*bytes); !zone) return told(zone.error());
  app.settings.timezone = value.string;
  return std::nullopt;
}

Fault set_memory(const Value& value, AppConfig& app) {
  std::uint64_t bytes = 0;
  if (Fault fault = take_bytes(value, bytes)) return fault;
  if (bytes == 0) return "must be above 0";
  app.settings.max_memory_restart = bytes;
  return std::nullopt;
}

Fault set_memory_max(const Value& value, AppConfig& app) {
  std::uint64_t bytes = 0;
  if (Fault fault = take_bytes(value, bytes)) return fault;
  if (bytes < 1U << 20U) return "must be 1M or more";
  app.settings.memory_max = bytes;
  return std::nullopt;
}

// The digits of a text are octal; a number is what it is, as 0o027 in TOML and JavaScript.
Fault set_umask(const Value& value, AppConfig& app) {
  std::uint32_t mask = 01000;
  const std::string text = text_of(value);
  if (value.kind == Kind::integer) {
    (void)std::from_chars(text.data(), text.data() + text.size(), mask);  // else it stays too large
  } else if (value.kind == Kind::string) {
    const std::string_view digits = std::string_view(text).substr(text.starts_with("0o") ? 2 : 0);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), mask, 8);
    if (error != std::errc{} || end != digits.data() + digits.size()) mask = 01000;
  }
  if (mask > 0777) return "must be octal digits from 000 to 777, as a text: \"027\"";
  app.settings.umask = mask;
  return std::nullopt;
}

Fault set_rlimits(const Value& value, AppConfig& app) {
  if (value.kind != Kind::object) return expected("a table", value);
  for (const Member& member : value.members) {
    if (!is_text(member.value)) return "has a limit " + member.key + " that is no text or number";
    const std::string text = text_of(member.value);
    if (const auto limit = model::parse_limit(member.key, text); !limit) return told(limit.error());
    app.settings.rlimits[member.key] = text;
  }
  return std::nullopt;
}

// As in PM2: one text is a name, each text of a list a part of names.
Fault set_filter_env(const Value& value, AppConfig& app) {
  if (const auto on = bool_of(value)) {
    app.filter_env.everything = *on;
    return std::nullopt;
  }
  return take_words(value, value.kind == Kind::array ? app.filter_env.parts : app.filter_env.names);
}

Fault set_name_prefix(const Value& value, AppConfig& app) {
  if (Fault fault = take_text(value, app.name_prefix)) return fault;
  const Status valid = model::validate_name(app.name_prefix);
  return valid ? Fault() : Fault(valid.error().message);
}

Fault set_append_env(const Value& value, AppConfig& app) {
  const auto on = bool_of(value);
  if (!on) return expected("true or false", value);
  app.append_env_to_name = *on;
  return std::nullopt;
}

}  // namespace roost::config
