#include "core/model/app_spec.h"

#include <algorithm>

#include "core/model/cron.h"
#include "core/model/launch.h"
#include "core/model/limits.h"
#include "core/model/process_limits.h"
#include "core/model/selector.h"

namespace roost::model {
namespace {

constexpr Duration kLongestDuration = std::chrono::hours(24 * 7);

bool is_name_char(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') ||
         std::string_view("-_.:@+").find(c) != std::string_view::npos;
}

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

bool is_absolute(std::string_view path) {
  return !path.empty() && path.front() == '/';
}

// "My API (prod)" → "My-API-prod".
std::string as_name(std::string_view text) {
  std::string name;
  for (const char c : text)
    if (is_name_char(c))
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  while (name.ends_with('-'))
    name.pop_back();
  return name;
}

// What is wrong with a name; empty when nothing is.
std::string name_problem(std::string_view name) {
  if (name.empty()) return "must not be empty";
  if (name.size() > limits::kMaxNameBytes)
    return "is longer than " + std::to_string(limits::kMaxNameBytes) + " bytes";
  if (!std::all_of(name.begin(), name.end(), is_name_char)) {
    const std::string better = as_name(name);
    return "may hold letters, digits and - _ . : @ + only" +
           (better.empty() ? "" : ", as '" + better + "'");
  }
  if (name.front() == '-') return "must not begin with '-'";
  if (name == "all") return "must not be 'all', which means every app";
  if (std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return "must not be a number, which would be taken for an id";
  return {};
}

// Names come from users: what is not printable ASCII is not repeated, and not at any length.
std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 40;
  std::string out = "'";
  for (const char c : text.substr(0, kLongest))
    out += c >= ' ' && c <= '~' ? c : '?';
  return out + (text.size() > kLongest ? "...'" : "'");
}

// Collects every problem, one line each.
class Problems {
 public:
  void add_if(bool wrong, std::string_view field, std::string_view what) {
    if (!wrong) return;
    if (!text_.empty()) text_ += '\n';
    text_.append(field).append(": ").append(what);
  }

  [[nodiscard]] Status status() && {
    if (text_.empty()) return ok();
    return Error{Errc::invalid, std::move(text_), {}};
  }

 private:
  std::string text_;
};

void check_names(const AppSpec& spec, Problems& problems) {
  const std::string name = name_problem(spec.name);
  problems.add_if(!name.empty(), "name", quoted(spec.name) + " " + name);
  const std::string ns = name_problem(spec.ns);
  problems.add_if(!ns.empty(), "namespace", quoted(spec.ns) + " " + ns);
  problems.add_if(has_nul(spec.user), "user", "must not hold a NUL byte");
}

void check_program(const AppSpec& spec, Problems& problems) {
  const bool shell = spec.kind == ExecKind::shell;
  const bool interpreted = spec.kind == ExecKind::interpreter;
  problems.add_if(spec.script.empty(), "script", "must not be empty");
  problems.add_if(!shell && !spec.script.empty() && !is_absolute(spec.script), "script",
                  "must be an absolute path");
  problems.add_if(has_nul(spec.script), "script", "must not hold a NUL byte");
  problems.add_if(interpreted && !is_absolute(spec.interpreter), "interpreter",
                  "must be an absolute path");
  problems.add_if(has_nul(spec.interpreter), "interpreter", "must not hold a NUL byte");
  problems.add_if(!interpreted && !spec.interpreter.empty(), "interpreter",
                  "is used with exec_kind 'interpreter' only");
  problems.add_if(!interpreted && !spec.interpreter_args.empty(), "interpreter_args",
                  "is used with exec_kind 'interpreter' only");
}

void check_arguments(const AppSpec& spec, Problems& problems) {
  const std::string too_many = "more than " + std::to_string(limits::kMaxArgs);
  problems.add_if(spec.args.size() > limits::kMaxArgs, "args", too_many);
  problems.add_if(spec.interpreter_args.size() > limits::kMaxArgs, "interpreter_args", too_many);
  problems.add_if(std::any_of(spec.args.begin(), spec.args.end(), has_nul), "args",
                  "must not hold a NUL byte");
  problems.add_if(std::any_of(spec.interpreter_args.begin(), spec.interpreter_args.end(), has_nul),
                  "interpreter_args", "must not hold a NUL byte");
}

// The value of a variable is never part of a message.
void check_environment(const AppSpec& spec, Problems& problems) {
  for (const auto& [key, value] : spec.env) {
    const bool bad_key = key.empty() || key.find('=') != std::string::npos || has_nul(key);
    problems.add_if(bad_key, "env", "bad variable name " + quoted(key));
    problems.add_if(has_nul(value), "env", "value of " + quoted(key) + " holds a NUL byte");
  }
}

void check_files(const AppSpec& spec, Problems& problems) {
  problems.add_if(!is_absolute(spec.cwd) || has_nul(spec.cwd), "cwd", "must be an absolute path");
  const auto bad = [](const std::string& path) {
    return !path.empty() && (!is_absolute(path) || has_nul(path) || path.back() == '/');
  };
  problems.add_if(bad(spec.out_file), "out_file", "must be the absolute path of a file");
  problems.add_if(bad(spec.error_file), "error_file", "must be the absolute path of a file");
  problems.add_if(spec.tty && !spec.error_file.empty(), "error_file",
                  "has no use with tty: a terminal is one stream, and stderr goes to out_file");
  problems.add_if(spec.log_file != kDefaultLogFile && bad(spec.log_file), "log_file",
                  "must be the absolute path of a file");
  problems.add_if(spec.log_date_format.size() > limits::kMaxDateFormat, "log_date_format",
                  "longer than " + std::to_string(limits::kMaxDateFormat) + " bytes");
  const auto control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  problems.add_if(std::any_of(spec.log_date_format.begin(), spec.log_date_format.end(), control),
                  "log_date_format", "must not hold control characters");
}

void check_numbers(const AppSpec& spec, Problems& problems) {
  problems.add_if(spec.instances == 0 || spec.instances > limits::kMaxInstancesPerApp, "instances",
                  "must be 1 to " + std::to_string(limits::kMaxInstancesPerApp));
  const auto bad = [](Duration d) { return d < 0s || d > kLongestDuration; };
  constexpr std::string_view kRange = "must be 0 to 7 days";
  problems.add_if(bad(spec.kill_timeout), "kill_timeout", kRange);
  problems.add_if(bad(spec.restart_delay), "restart_delay", kRange);
  problems.add_if(bad(spec.min_uptime), "min_uptime", kRange);
  problems.add_if(bad(spec.min_ready), "min_ready", kRange);
  problems.add_if(bad(spec.max_restarts_within), "max_restarts_within", kRange);
  problems.add_if(bad(spec.exp_backoff_restart_delay), "exp_backoff_restart_delay", kRange);
  problems.add_if(bad(spec.watch_delay), "watch_delay", kRange);
}

void check_policy(const AppSpec& spec, Problems& problems) {
  const auto bad_code = [](std::int32_t code) { return code < 0 || code > 255; };
  problems.add_if(
      spec.stop_exit_codes.size() > 256 ||
          std::any_of(spec.stop_exit_codes.begin(), spec.stop_exit_codes.end(), bad_code),
      "stop_exit_codes", "must be codes from 0 to 255");
  problems.add_if(spec.stop_signal == 0 || spec.stop_signal > 64, "stop_signal",
                  "must be the number of a signal, 1 to 64");
  problems.add_if(has_nul(spec.stop_command), "stop_command", "must not hold a NUL byte");
  constexpr std::uint64_t kLeastMemory = 1U << 20U;
  problems.add_if(spec.memory_max.value_or(kLeastMemory) < kLeastMemory, "memory_max",
                  "must be 1M or more");
  problems.add_if(spec.max_memory_restart == 0U, "max_memory_restart", "must be above 0");
  if (!spec.cron_restart.empty())
    if (const auto cron = Cron::parse(spec.cron_restart); !cron)
      problems.add_if(true, "cron_restart", cron.error().message);
  problems.add_if(spec.timezone.size() > 64 || has_nul(spec.timezone), "timezone",
                  "must be the name of a time zone");
  const auto bad_path = [](const std::string& path) { return !is_absolute(path) || has_nul(path); };
  problems.add_if(std::any_of(spec.watch_paths.begin(), spec.watch_paths.end(), bad_path),
                  "watch_paths", "must be absolute paths");
  const std::string too_many = "more than " + std::to_string(limits::kMaxArgs);
  problems.add_if(spec.watch_paths.size() > limits::kMaxArgs, "watch_paths", too_many);
  problems.add_if(spec.ignore_watch.size() > limits::kMaxArgs, "ignore_watch", too_many);
}

bool is_variable(std::string_view name) {
  return !name.empty() && name.find('=') == std::string_view::npos && !has_nul(name);
}

bool is_whole_number(std::string_view text) {
  return !text.empty() && text.size() < 10 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

void check_attributes(const AppSpec& spec, Problems& problems) {
  problems.add_if(has_nul(spec.group), "group", "must not hold a NUL byte");
  problems.add_if(spec.umask.value_or(0) > 0777, "umask", "must be 0 to 0777, octal");
  problems.add_if(spec.nice.value_or(0) < -20 || spec.nice.value_or(0) > 19, "nice",
                  "must be -20 to 19");
  for (const auto& [name, value] : spec.rlimits)
    if (const auto limit = parse_limit(name, value); !limit)
      problems.add_if(true, "rlimits", limit.error().message);
  problems.add_if(!is_variable(spec.instance_var), "instance_var",
                  "cannot be the name of a variable");
  if (spec.increment_var.empty()) return;
  problems.add_if(!is_variable(spec.increment_var), "increment_var",
                  "cannot be the name of a variable");
  const auto value = spec.env.find(spec.increment_var);
  problems.add_if(value != spec.env.end() && !is_whole_number(value->second), "increment_var",
                  "the value of " + quoted(spec.increment_var) + " is no whole number");
}

// What is wrong with the target of a probe; empty when nothing is.
std::string target_problem(ProbeKind kind, const std::string& target) {
  if (target.empty()) return "needs a target";
  if (has_nul(target)) return "must not hold a NUL byte";
  const bool blank = target.find_first_of(" \t\n") != std::string::npos;
  switch (kind) {
    case ProbeKind::exec:
      return {};
    case ProbeKind::http:
      if (target.starts_with("https://")) return "https is not offered: use exec with curl";
      return target.starts_with("http://") && target.size() > 7 && !blank
                 ? ""
                 : "must be http://host:port/path";
    case ProbeKind::tcp:
      break;
  }
  const std::size_t colon = target.rfind(':');
  return colon != std::string::npos && colon > 0 && colon + 1 < target.size() && !blank
             ? ""
             : "must be host:port";
}

void check_health(const AppSpec& spec, Problems& problems) {
  const auto bad = [](Duration d) { return d < 0s || d > kLongestDuration; };
  constexpr std::string_view kRange = "must be 0 to 7 days";
  problems.add_if(bad(spec.listen_timeout), "listen_timeout", kRange);
  problems.add_if(bad(spec.watchdog), "watchdog", kRange);
  problems.add_if(spec.wait_ready && spec.listen_timeout == 0s, "listen_timeout",
                  "must be more than 0 with wait_ready");
  if (!spec.health) return;
  const HealthProbe& probe = *spec.health;
  const std::string problem = target_problem(probe.kind, probe.target);
  problems.add_if(!problem.empty(), "health", problem);
  constexpr Duration kShortest = 10ms;
  problems.add_if(probe.interval < kShortest || bad(probe.interval), "health.interval",
                  "must be 10ms to 7 days");
  problems.add_if(probe.timeout < kShortest || bad(probe.timeout), "health.timeout",
                  "must be 10ms to 7 days");
  problems.add_if(bad(probe.start_grace), "health.start_grace", kRange);
  problems.add_if(probe.retries == 0 || probe.retries > 1000, "health.retries",
                  "must be 1 to 1000");
}

bool is_wait_target(const std::string& target) {
  if (target.starts_with("http://")) return target_problem(ProbeKind::http, target).empty();
  if (target.starts_with("tcp:")) return target_problem(ProbeKind::tcp, target.substr(4)).empty();
  return target.starts_with("file:/") && !has_nul(target);
}

// In the words of configuration files.
void check_job(const AppSpec& spec, Problems& problems) {
  constexpr std::string_view kOfJobs = "is for an app with type: job";
  problems.add_if(!spec.job && !spec.schedule.empty(), "schedule", kOfJobs);
  problems.add_if(!spec.job && spec.overlap != JobOverlap::skip, "overlap", kOfJobs);
  problems.add_if(!spec.job && spec.job_timeout != 0s, "timeout", kOfJobs);
  problems.add_if(!spec.job && spec.retries != 0, "retries", kOfJobs);
  problems.add_if(!spec.job && spec.catch_up, "catch_up", kOfJobs);
  if (!spec.job) return;
  if (!spec.schedule.empty())
    if (const auto cron = Cron::parse(spec.schedule); !cron)
      problems.add_if(true, "schedule", cron.error().message);
  problems.add_if(spec.job_timeout < 0s || spec.job_timeout > kLongestDuration, "timeout",
                  "must be 0 to 7 days");
  problems.add_if(spec.retries > limits::kMaxRetries, "retries",
                  "must be 0 to " + std::to_string(limits::kMaxRetries));
  problems.add_if(spec.catch_up && spec.schedule.empty(), "catch_up", "needs a schedule");
  problems.add_if(spec.instances != 1, "instances", "a job has one");
  problems.add_if(!spec.cron_restart.empty(), "cron_restart", "a job has a schedule instead");
  problems.add_if(spec.watch, "watch", "a job is not restarted by changes");
  problems.add_if(spec.max_restarts.has_value(), "max_restarts", "a job has retries instead");
  problems.add_if(spec.max_memory_restart.has_value(), "max_memory_restart",
                  "a job is not restarted");
}

void check_dependencies(const AppSpec& spec, Problems& problems) {
  const std::string too_many = "more than " + std::to_string(limits::kMaxDependencies);
  problems.add_if(spec.depends_on.size() > limits::kMaxDependencies, "depends_on", too_many);
  problems.add_if(spec.wait_for.size() > limits::kMaxDependencies, "wait_for", too_many);
  for (const auto& [name, condition] : spec.depends_on)
    problems.add_if(!name_problem(name).empty(), "depends_on",
                    quoted(name) + " " + name_problem(name));
  for (const std::string& target : spec.wait_for)
    problems.add_if(!is_wait_target(target), "wait_for",
                    quoted(target) + " must be tcp:host:port, http://… or file:/path");
}

void check_secrets(const AppSpec& spec, Problems& problems) {
  problems.add_if(spec.env_from.size() > limits::kMaxSecrets, "env_from",
                  "more than " + std::to_string(limits::kMaxSecrets));
  for (const auto& [name, text] : spec.env_from) {
    problems.add_if(!is_variable(name), "env_from", "bad variable name " + quoted(name));
    if (const auto source = parse_secret_source(text); !source)
      problems.add_if(true, "env_from", quoted(name) + " " + source.error().message);
  }
}

void check_labels(const AppSpec& spec, Problems& problems) {
  problems.add_if(spec.labels.size() > limits::kMaxLabels, "labels",
                  "more than " + std::to_string(limits::kMaxLabels));
  for (const auto& [name, value] : spec.labels)
    if (Status valid = validate_label(name, value); !valid)
      problems.add_if(true, "labels", valid.error().message);
}

std::size_t bytes_of(const AppSpec& spec) {
  std::size_t sum = spec.name.size() + spec.ns.size() + spec.script.size() +
                    spec.interpreter.size() + spec.cwd.size() + spec.out_file.size() +
                    spec.error_file.size() + spec.log_file.size() + spec.user.size() +
                    spec.stop_command.size();
  for (const auto& arg : spec.args)
    sum += arg.size() + 1;
  for (const auto& arg : spec.interpreter_args)
    sum += arg.size() + 1;
  for (const auto& [key, value] : spec.env)
    sum += key.size() + value.size() + 2;
  for (const auto& [key, source] : spec.env_from)
    sum += key.size() + source.size() + 2;
  for (const auto& path : spec.watch_paths)
    sum += path.size() + 1;
  for (const auto& pattern : spec.ignore_watch)
    sum += pattern.size() + 1;
  return sum;
}

}  // namespace

Status validate_name(std::string_view name) {
  const std::string problem = name_problem(name);
  if (problem.empty()) return ok();
  return Error{Errc::invalid, "name " + quoted(name) + " " + problem, {}};
}

Status validate(const AppSpec& spec) {
  Problems problems;
  check_names(spec, problems);
  check_program(spec, problems);
  check_arguments(spec, problems);
  check_environment(spec, problems);
  check_files(spec, problems);
  check_numbers(spec, problems);
  check_health(spec, problems);
  check_dependencies(spec, problems);
  check_job(spec, problems);
  check_secrets(spec, problems);
  check_labels(spec, problems);
  check_policy(spec, problems);
  check_attributes(spec, problems);
  problems.add_if(bytes_of(spec) > limits::kMaxSpecBytes, "env",
                  "arguments and environment are larger than " +
                      std::to_string(limits::kMaxSpecBytes >> 10) + " KiB");
  return std::move(problems).status();
}

}  // namespace roost::model
