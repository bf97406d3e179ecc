#include "cli/policy_options.h"

#include <algorithm>

#include "core/base/words.h"
#include "core/model/log_format.h"

namespace roost::cli {
namespace {

using config::AppConfig;
using config::Value;

struct OptionOfField {
  std::string_view names;
  std::string_view value_name;
  std::string_view field;  // of configuration files
  std::string_view doc;
};

constexpr std::array<OptionOfField, 25> kValueOptions{
    {{"--restart", "WHEN", "restart", "after which exits: always, on-failure, never"},
     {"--min-uptime", "TIME", "min_uptime", "an exit before this is a quick one; default 1s"},
     {"--exp-backoff-restart-delay", "TIME", "exp_backoff_restart_delay",
      "first delay; doubles up to 15s"},
     {"--stop-signal", "SIGNAL", "stop_signal", "what asks it to stop; default SIGTERM"},
     {"-c,--cron-restart,--cron", "EXPR", "cron_restart", "when to restart: '0 3 * * *', @daily"},
     {"--timezone", "ZONE", "timezone", "of cron and schedule, as Europe/Berlin"},
     {"--schedule", "EXPR", "schedule", "makes it a job that runs then: '0 3 * * *'"},
     {"--type", "TYPE", "type", "service (default), or job: ends by itself"},
     {"--overlap", "HOW", "overlap", "a job's time while it runs: skip, queue, kill"},
     {"--timeout", "TIME", "timeout", "a run of a job that takes longer has failed"},
     {"--retries", "N", "retries", "further tries of a run of a job that failed"},
     {"--watch-delay", "TIME", "watch_delay", "quiet time before the restart; default 200ms"},
     {"--max-memory-restart", "SIZE", "max_memory_restart", "restart above this: 300M, 1G"},
     {"--group,--gid", "GROUP", "group", "group to run as; needs root"},
     {"--umask", "MASK", "umask", "file mode creation mask, as 027"},
     {"--nice", "N", "nice", "niceness, -20 to 19"},
     {"--instance-var", "NAME", "instance_var", "variable with the instance's number"},
     {"--increment-var", "NAME", "increment_var", "variable counted up by instance"},
     {"--stop-exit-codes", "CODES", "stop_exit_codes", "exit codes that are a wanted end: '0 3'"},
     {"--health", "PROBE", "health", "http://…, tcp:HOST:PORT or exec:LINE"},
     {"--listen-timeout", "TIME", "listen_timeout", "time to become ready; default 3s"},
     {"--stop-command", "LINE", "stop_command", "shell line instead of the signal"},
     {"--memory-max", "SIZE", "memory_max", "the kernel ends it above this: 512M"},
     {"--log-date-format", "FORMAT", "log_date_format", "before each line: 'HH:mm:ss.SSS'"},
     {"--log-type", "raw|json", "log_type", "what stands in the log files"}}};

constexpr std::array<OptionOfField, 8> kListOptions{
    {{"--watch-path", "PATH", "watch", "watch this instead; may be repeated"},
     {"--ignore-watch", "PATTERNS", "ignore_watch", "files that do not count: '*.tmp data/'"},
     {"--rlimit", "NAME=LIMIT", "rlimits", "nofile=1024:4096; may be repeated"},
     {"--label", "NAME=VALUE", "labels", "a word to select it by; may be repeated"},
     {"--filter-env", "TEXT", "filter_env", "do not pass on variables with it in their name"},
     {"--depends-on", "APP[=WHEN]", "depends_on", "started (default), ready or completed"},
     {"--wait-for", "TARGET", "wait_for", "tcp:HOST:PORT, http://… or file:/PATH"},
     {"--env-from", "NAME=SOURCE", "env_from", "secret from file:PATH, cmd:LINE, …"}}};

// Words with a '=' in them, of a field that is a table.
constexpr std::string_view kRlimits = "rlimits";
constexpr std::string_view kDependsOn = "depends_on";
constexpr std::string_view kLabels = "labels";

Value text_value(std::string text) {
  Value value;
  value.kind = Value::Kind::string;
  value.string = std::move(text);
  return value;
}

// A table of "NAME=VALUE" or "APP=WHEN", a list of anything else.
Result<Value> list_value(const OptionOfField& option, const std::vector<std::string>& words) {
  Value value;
  const bool table =
      option.field == kRlimits || option.field == kDependsOn || option.field == kLabels;
  value.kind = table ? Value::Kind::object : Value::Kind::array;
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    if (value.kind == Value::Kind::array) {
      const bool several = option.field == "ignore_watch";
      for (std::string& part : several ? split_words(word) : std::vector<std::string>{word})
        value.items.push_back(text_value(std::move(part)));
    } else if (equals == std::string::npos && option.field != kDependsOn) {
      return Error{Errc::invalid, "'" + word + "' is not " + std::string(option.value_name), {}};
    } else {
      config::Member member;
      member.key = word.substr(0, equals);
      member.value = text_value(equals == std::string::npos ? "started" : word.substr(equals + 1));
      value.members.push_back(std::move(member));
    }
  }
  return value;
}

// The long one, if there is a short one.
std::string long_name(std::string_view names) {
  names.remove_prefix(names.find("--"));
  return std::string(names.substr(0, names.find(',')));
}

Status set_field(std::string_view option, std::string_view field, const Value& value,
                 AppConfig& app) {
  const auto wrong = config::find_field(field)->set(value, app);
  if (!wrong) return ok();
  return Error{Errc::invalid, long_name(option) + " " + *wrong, {}};
}

}  // namespace

void PolicyOptions::declare(ArgParser& parser) {
  for (std::size_t i = 0; i < kValueOptions.size(); ++i) {
    const OptionOfField& option = kValueOptions[i];
    parser.value(option.names, option.value_name, values_[i], option.doc);
  }
  parser.flag("--watch", watch_, "restart it when a file in its directory changes");
  for (std::size_t i = 0; i < kListOptions.size(); ++i) {
    const OptionOfField& option = kListOptions[i];
    parser.list(option.names, option.value_name, lists_[i], option.doc);
  }
  parser.flag("--catch-up", catch_up_, "a job runs once for times that were missed");
  parser.flag("--wait-ready", wait_ready_, "online when it says so: READY=1, …");
  parser.flag("--shutdown-with-message", shutdown_with_message_,
              "stop by a message over its channel");
  parser.flag("--time", time_, "YYYY-MM-DDTHH:mm:ss before each line of its log files");
  parser.flag("--merge-logs", merge_logs_, "one log file for all instances");
  parser.flag("--tty", tty_, "stdin, stdout and stderr are a terminal");
  parser.flag("--disable-logs", disable_logs_, "keep no output");
  parser.flag("--no-treekill", no_treekill_, "a stop reaches its first process only");
  parser.flag("--no-new-privs", no_new_privs_, "no more rights by exec (setuid programs)");
}

bool PolicyOptions::any() const {
  return watch_ || catch_up_ || no_treekill_ || no_new_privs_ || wait_ready_ ||
         shutdown_with_message_ || time_ || merge_logs_ || disable_logs_ || tty_ ||
         std::any_of(values_.begin(), values_.end(),
                     [](const auto& one) { return one.has_value(); }) ||
         std::any_of(lists_.begin(), lists_.end(), [](const auto& one) { return !one.empty(); });
}

Status PolicyOptions::apply(AppConfig& app) const {
  static_assert(kValueOptions.size() == kValues && kListOptions.size() == kLists);
  app.settings.watch = watch_;
  app.settings.catch_up = catch_up_;
  for (std::size_t i = 0; i < kValues; ++i) {
    if (!values_[i]) continue;
    const OptionOfField& option = kValueOptions[i];
    if (Status set = set_field(option.names, option.field, text_value(*values_[i]), app); !set)
      return set;
  }
  for (std::size_t i = 0; i < kLists; ++i) {
    if (lists_[i].empty()) continue;
    auto value = list_value(kListOptions[i], lists_[i]);
    if (!value) return std::move(value).error().context(kListOptions[i].names);
    if (Status set = set_field(kListOptions[i].names, kListOptions[i].field, *value, app); !set)
      return set;
  }
  if (no_treekill_) app.settings.kill_mode = model::KillMode::process;
  if (no_new_privs_) app.settings.no_new_privs = true;
  if (time_ && app.settings.log_date_format.empty())
    app.settings.log_date_format = model::kTimeFormat;
  if (merge_logs_) app.settings.merge_logs = true;
  if (tty_) app.settings.tty = true;
  if (disable_logs_) app.settings.disable_logs = true;
  if (wait_ready_) app.settings.wait_ready = true;
  if (shutdown_with_message_) app.settings.shutdown_with_message = true;
  if (!app.settings.schedule.empty() && !given("type")) app.settings.job = true;
  if (Status fits = check_job(app.settings.job); !fits) return fits;
  if (catch_up_ && app.settings.schedule.empty())
    return Error{Errc::invalid, "--catch-up needs a --schedule", {}};
  return ok();
}

bool PolicyOptions::given(std::string_view field) const {
  for (std::size_t i = 0; i < kValues; ++i)
    if (kValueOptions[i].field == field && values_[i]) return true;
  return false;
}

Status PolicyOptions::check_job(bool job) const {
  const auto misfit = [job](std::string_view option, std::string_view field) -> Status {
    const auto wrong = config::job_misfit(field, job);
    if (wrong.empty()) return ok();
    if (!job)
      return Error{Errc::invalid, std::string(option) + " is for a job",
                   "--schedule EXPR makes it one; --type job one that runs on request"};
    return Error{Errc::invalid, std::string(option) + " " + std::string(wrong), {}};
  };
  for (std::size_t i = 0; i < kValues; ++i) {
    if (!values_[i]) continue;
    if (Status fits = misfit(long_name(kValueOptions[i].names), kValueOptions[i].field); !fits)
      return fits;
  }
  if (catch_up_)
    if (Status fits = misfit("--catch-up", "catch_up"); !fits) return fits;
  if (watch_)
    if (Status fits = misfit("--watch", "watch"); !fits) return fits;
  return ok();
}

}  // namespace roost::cli
