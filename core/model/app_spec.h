// AppSpec: what the user wants of an app. A plain value, finished by the client (absolute paths,
// interpreter resolved), never mutated by running: instances hold a shared_ptr<const AppSpec>,
// replaced, never edited.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/record.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace roost::model {

// How `script` is executed.
enum class ExecKind : std::uint8_t {
  direct,       // exec `script` itself (binary, or shebang honoured by the kernel)
  interpreter,  // exec `interpreter` with interpreter_args, script, args
  shell         // exec /bin/sh -c `script`; args become $1…
};

// After which exits an instance is started again.
enum class RestartWhen : std::uint8_t { always, on_failure, never };

// Whom a stop reaches: everything the app started, or its first process only.
enum class KillMode : std::uint8_t { tree, process };

enum class ProbeKind : std::uint8_t {
  http,  // GET of `target`, a URL "http://host:port/path": a status from 200 to 399 is healthy
  tcp,   // a connection to `target`, "host:port"
  exec   // `target` as a shell line in the app's directory and environment: exit code 0
};

// How it is found out whether a running app works.
struct HealthProbe {
  ProbeKind kind = ProbeKind::http;
  std::string target;
  Duration interval = 10s;     // from the end of one probe to the next
  Duration timeout = 5s;       // of one probe
  std::uint32_t retries = 3;   // failures in a row that make the app unhealthy
  Duration start_grace = 30s;  // failures this early after the start do not count

  static constexpr auto fields();
  friend bool operator==(const HealthProbe&, const HealthProbe&) = default;
};

// What a job does whose time has come while its last run is still there.
enum class JobOverlap : std::uint8_t {
  skip,   // nothing
  queue,  // starts when the run has ended, once however many times came meanwhile
  kill    // stops the run, then starts
};

// What happens to output when its disk is full.
enum class OnFull : std::uint8_t {
  block,  // it stays in the pipe, and the app waits when that is full
  drop    // it is thrown away, and the file says how much
};

// What stands in the log files.
enum class LogType : std::uint8_t {
  raw,  // what the app writes
  json  // an object for each line of it
};

// What an app waits for in the one it depends on.
enum class DependencyCondition : std::uint8_t { started, ready, completed };

// AppSpec::log_file where no path is given.
inline constexpr std::string_view kDefaultLogFile = "true";

// In AppSpec::inherited.
inline constexpr std::string_view kAllOfLocale = "LC_*";  // also those that are not there
inline constexpr std::string_view kInterpreterByPath = "interpreter";
inline constexpr std::string_view kScriptByPath = "script";

struct AppSpec {
  std::string name;
  std::string ns = "default";
  ExecKind kind = ExecKind::direct;
  std::string script;       // absolute path; for shell the command line
  std::string interpreter;  // absolute path; empty unless kind is interpreter
  std::vector<std::string> interpreter_args;
  std::vector<std::string> args;
  std::string cwd;  // absolute
  std::map<std::string, std::string>
      env;  // the whole environment, without what roost adds per instance
  std::uint32_t instances = 1;
  std::string out_file;    // absolute; empty = logs/<name>-out.log
  std::string error_file;  // absolute; empty = logs/<name>-error.log
  RestartWhen restart = RestartWhen::always;
  std::vector<std::int32_t> stop_exit_codes;  // an exit with one of these is a wanted end
  Duration kill_timeout = 10s;
  Duration restart_delay = 0s;
  std::optional<std::uint32_t>
      max_restarts;  // consecutive unhealthy exits before `errored`; absent = never gives up
  Duration max_restarts_within = 0s;  // absent 0: max_restarts counts exits of this span of time
  Duration exp_backoff_restart_delay = 0s;  // first of the doubling delays; 0: the budget decides
  Duration min_uptime = 1s;
  Duration min_ready = 500ms;    // alive this long = online, where nothing better tells
  bool wait_ready = false;       // online means that the app has said so
  Duration listen_timeout = 3s;  // it has to say so within
  bool ipc = false;              // gets a channel of Node's protocol at NODE_CHANNEL_FD
  std::optional<HealthProbe> health;
  Duration watchdog = 0s;  // the app must send WATCHDOG=1 this often; 0: need not
  std::uint32_t stop_signal = 15;
  KillMode kill_mode = KillMode::tree;
  bool shutdown_with_message = false;     // "shutdown" over the channel instead of the signal
  bool watch = false;                     // restart when a file changes
  std::vector<std::string> watch_paths;   // absolute; empty = cwd
  std::vector<std::string> ignore_watch;  // globs; empty = the usual ones
  Duration watch_delay = 200ms;           // quiet for this long after a change
  std::string cron_restart;               // five or six fields
  std::string timezone;                   // of cron_restart, "Europe/Berlin"; empty = the daemon's
  std::optional<std::uint64_t> max_memory_restart;  // bytes, resident, of the whole tree
  std::string user;   // run as (name or number); empty = as the daemon
  std::string group;  // empty = the user's
  std::optional<std::uint32_t> umask;
  std::optional<std::int32_t> nice;            // -20 to 19
  std::map<std::string, std::string> rlimits;  // "nofile": "1024:4096" or "unlimited"
  bool no_new_privs = false;
  std::string instance_var = "NODE_APP_INSTANCE";
  std::string increment_var;  // this variable, a number, is one higher in each next instance
  std::map<std::string, DependencyCondition> depends_on;  // names of apps
  std::vector<std::string> wait_for;  // "tcp:host:port", "http://…", "file:/path"
  bool job = false;                   // runs at the times of `schedule` and ends by itself
  std::string schedule;               // five or six fields; empty = on request only
  JobOverlap overlap = JobOverlap::skip;
  Duration job_timeout = 0s;  // a run that takes longer is stopped; 0 = none is
  std::uint32_t retries = 0;  // further tries of a run that has failed
  bool catch_up = false;      // a time that passed while nothing watched is made up for, once
  std::map<std::string, std::string> env_from;  // variable: "file:…", "cmd:…", …
  // What is as the shell has it from which the app was configured, or not there, since nobody asked
  // for more: names of variables, kAllOfLocale, and of fields whose program was found in PATH.
  // Sorted.
  std::vector<std::string> inherited;
  std::map<std::string, std::string> labels;
  std::string stop_command;                 // shell line that asks to stop, before the signal
  std::optional<std::uint64_t> memory_max;  // bytes the whole tree cannot exceed
  bool tty = false;                         // output and input are a terminal
  OnFull on_full = OnFull::block;
  std::string log_file;         // both streams once more: absolute; "true" = logs/<name>.log
  bool merge_logs = false;      // one file of each kind for all instances
  bool disable_logs = false;    // nothing is kept
  std::string log_date_format;  // time before each line, day.js format; empty = none
  LogType log_type = LogType::raw;

  static constexpr auto fields();
  friend bool operator==(const AppSpec&, const AppSpec&) = default;
};

using SpecPtr = std::shared_ptr<const AppSpec>;

// All problems of a spec, each with the field's name; success if there are none. Knows no file
// system.
[[nodiscard]] Status validate(const AppSpec& spec);

// A name is 1 to kMaxNameBytes of letters, digits, '-', '_', '.', ':', '@' and '+', not only
// digits, not "all", no leading '-'.
[[nodiscard]] Status validate_name(std::string_view name);

}  // namespace roost::model

template <>
struct roost::EnumNames<roost::model::ExecKind> {
  static constexpr std::array<std::pair<roost::model::ExecKind, std::string_view>, 3> values{
      {{roost::model::ExecKind::direct, "direct"},
       {roost::model::ExecKind::interpreter, "interpreter"},
       {roost::model::ExecKind::shell, "shell"}}};
};

template <>
struct roost::EnumNames<roost::model::RestartWhen> {
  static constexpr std::array<std::pair<roost::model::RestartWhen, std::string_view>, 3> values{
      {{roost::model::RestartWhen::always, "always"},
       {roost::model::RestartWhen::on_failure, "on-failure"},
       {roost::model::RestartWhen::never, "never"}}};
};

template <>
struct roost::EnumNames<roost::model::KillMode> {
  static constexpr std::array<std::pair<roost::model::KillMode, std::string_view>, 2> values{
      {{roost::model::KillMode::tree, "tree"}, {roost::model::KillMode::process, "process"}}};
};

template <>
struct roost::EnumNames<roost::model::ProbeKind> {
  static constexpr std::array<std::pair<roost::model::ProbeKind, std::string_view>, 3> values{
      {{roost::model::ProbeKind::http, "http"},
       {roost::model::ProbeKind::tcp, "tcp"},
       {roost::model::ProbeKind::exec, "exec"}}};
};

template <>
struct roost::EnumNames<roost::model::JobOverlap> {
  static constexpr std::array<std::pair<roost::model::JobOverlap, std::string_view>, 3> values{
      {{roost::model::JobOverlap::skip, "skip"},
       {roost::model::JobOverlap::queue, "queue"},
       {roost::model::JobOverlap::kill, "kill"}}};
};

template <>
struct roost::EnumNames<roost::model::OnFull> {
  static constexpr std::array<std::pair<roost::model::OnFull, std::string_view>, 2> values{
      {{roost::model::OnFull::block, "block"}, {roost::model::OnFull::drop, "drop"}}};
};

template <>
struct roost::EnumNames<roost::model::LogType> {
  static constexpr std::array<std::pair<roost::model::LogType, std::string_view>, 2> values{
      {{roost::model::LogType::raw, "raw"}, {roost::model::LogType::json, "json"}}};
};

template <>
struct roost::EnumNames<roost::model::DependencyCondition> {
  using Condition = roost::model::DependencyCondition;
  static constexpr std::array<std::pair<Condition, std::string_view>, 3> values{
      {{Condition::started, "started"},
       {Condition::ready, "ready"},
       {Condition::completed, "completed"}}};
};

constexpr auto roost::model::HealthProbe::fields() {
  return std::tuple{
      req("kind", &HealthProbe::kind, "http, tcp or exec"),
      req("target", &HealthProbe::target, "URL, host:port, or shell line"),
      opt("interval", &HealthProbe::interval, "time between two probes, ms"),
      opt("timeout", &HealthProbe::timeout, "time for one probe, ms"),
      opt("retries", &HealthProbe::retries, "failures in a row that mean unhealthy"),
      opt("start_grace", &HealthProbe::start_grace, "failures this early do not count, ms")};
}

constexpr auto roost::model::AppSpec::fields() {
  return std::tuple{
      req("name", &AppSpec::name, "name of the app, unique in the daemon"),
      opt("namespace", &AppSpec::ns, "group of apps"),
      opt("exec_kind", &AppSpec::kind, "direct, interpreter or shell"),
      req("script", &AppSpec::script, "absolute path of the program, or the shell line"),
      opt("interpreter", &AppSpec::interpreter, "absolute path of the interpreter"),
      opt("interpreter_args", &AppSpec::interpreter_args, "arguments before the script"),
      opt("args", &AppSpec::args, "arguments of the program"),
      req("cwd", &AppSpec::cwd, "working directory, absolute"),
      opt("env", &AppSpec::env, "environment"),
      opt("instances", &AppSpec::instances, "number of instances"),
      opt("out_file", &AppSpec::out_file, "file for stdout; default logs/NAME-out.log"),
      opt("error_file", &AppSpec::error_file, "file for stderr; default logs/NAME-error.log"),
      opt("restart", &AppSpec::restart, "start again after an exit: always, on-failure or never"),
      opt("stop_exit_codes", &AppSpec::stop_exit_codes, "exit codes that are a wanted end"),
      opt("kill_timeout", &AppSpec::kill_timeout, "time between SIGTERM and SIGKILL, ms"),
      opt("restart_delay", &AppSpec::restart_delay, "wait before each automatic restart, ms"),
      opt("max_restarts", &AppSpec::max_restarts,
          "unhealthy exits in a row before giving up; absent = never"),
      opt("min_uptime", &AppSpec::min_uptime, "an exit before this is a quick one, ms"),
      opt("min_ready", &AppSpec::min_ready, "alive this long means online, ms"),
      opt("max_restarts_within", &AppSpec::max_restarts_within,
          "max_restarts counts exits of this span, ms; 0: unhealthy exits in a row"),
      opt("exp_backoff_restart_delay", &AppSpec::exp_backoff_restart_delay,
          "first of the doubling delays, ms; 0: budget, then 100 ms"),
      opt("wait_ready", &AppSpec::wait_ready, "online when the app has said that it is ready"),
      opt("listen_timeout", &AppSpec::listen_timeout, "time to become ready with wait_ready, ms"),
      opt("ipc", &AppSpec::ipc, "a channel of Node's protocol"),
      opt("health", &AppSpec::health, "how it is found out whether the app works"),
      opt("watchdog", &AppSpec::watchdog, "longest time between two WATCHDOG=1, ms; 0: none"),
      opt("stop_signal", &AppSpec::stop_signal, "number of the signal that asks to stop"),
      opt("kill_mode", &AppSpec::kill_mode, "whom a stop reaches: tree or process"),
      opt("shutdown_with_message", &AppSpec::shutdown_with_message,
          "ask to stop by a message over the channel"),
      opt("watch", &AppSpec::watch, "restart when a file changes"),
      opt("watch_paths", &AppSpec::watch_paths, "what is watched, absolute; empty = cwd"),
      opt("ignore_watch", &AppSpec::ignore_watch, "globs of what is not watched"),
      opt("watch_delay", &AppSpec::watch_delay, "quiet time before the restart, ms"),
      opt("cron_restart", &AppSpec::cron_restart, "when to restart, cron's five or six fields"),
      opt("timezone", &AppSpec::timezone, "time zone of cron_restart"),
      opt("max_memory_restart", &AppSpec::max_memory_restart,
          "bytes of resident memory of the tree that cause a restart"),
      opt("user", &AppSpec::user, "user to run as; only when the daemon is root"),
      opt("group", &AppSpec::group, "group to run as; only when the daemon is root"),
      opt("umask", &AppSpec::umask, "file mode creation mask"),
      opt("nice", &AppSpec::nice, "niceness, -20 to 19"),
      opt("rlimits", &AppSpec::rlimits, "limits by name: SOFT:HARD or one for both"),
      opt("no_new_privs", &AppSpec::no_new_privs, "no more rights by exec"),
      opt("instance_var", &AppSpec::instance_var, "variable that holds the slot's number"),
      opt("increment_var", &AppSpec::increment_var, "variable that is counted up by slot"),
      opt("depends_on", &AppSpec::depends_on, "apps that come first: started, ready or completed"),
      opt("wait_for", &AppSpec::wait_for, "addresses and files that come first"),
      opt("job", &AppSpec::job, "runs at its times and ends by itself"),
      opt("schedule", &AppSpec::schedule, "when a job runs, cron's five or six fields"),
      opt("overlap", &AppSpec::overlap, "while the last run is there: skip, queue or kill"),
      opt("job_timeout", &AppSpec::job_timeout, "a run that takes longer is stopped, ms; 0: none"),
      opt("retries", &AppSpec::retries, "further tries of a run that has failed"),
      opt("catch_up", &AppSpec::catch_up, "a time that was missed is made up for"),
      opt("env_from", &AppSpec::env_from, "variables resolved at each start: file:, cmd:, …"),
      opt("inherited", &AppSpec::inherited, "what is as the shell had it"),
      opt("labels", &AppSpec::labels, "words to select apps by"),
      opt("stop_command", &AppSpec::stop_command, "shell line that asks to stop"),
      opt("memory_max", &AppSpec::memory_max, "bytes the tree cannot exceed"),
      opt("tty", &AppSpec::tty, "output and input are a terminal"),
      opt("on_full", &AppSpec::on_full, "output on a full disk: block or drop"),
      opt("log_file", &AppSpec::log_file, "both streams once more; true: logs/NAME.log"),
      opt("merge_logs", &AppSpec::merge_logs, "one file for all instances"),
      opt("disable_logs", &AppSpec::disable_logs, "keep no output"),
      opt("log_date_format", &AppSpec::log_date_format, "time before each line, day.js format"),
      opt("log_type", &AppSpec::log_type, "what stands in the files: raw or json")};
}
