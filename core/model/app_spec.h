// AppSpec: what the user wants of an app. A plain value, finished by the client (absolute paths, interpreter resolved),
// never mutated by running: instances hold a shared_ptr<const AppSpec>, replaced, never edited.
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

struct AppSpec {
  std::string name;
  std::string ns = "default";
  ExecKind kind = ExecKind::direct;
  std::string script;       // absolute path; for shell the command line
  std::string interpreter;  // absolute path; empty unless kind is interpreter
  std::vector<std::string> interpreter_args;
  std::vector<std::string> args;
  std::string cwd;                         // absolute
  std::map<std::string, std::string> env;  // the whole environment, without what roost adds per instance
  std::uint32_t instances = 1;
  std::string out_file;    // absolute; empty = logs/<name>-out.log
  std::string error_file;  // absolute; empty = logs/<name>-error.log
  bool autorestart = true;
  Duration kill_timeout = 10s;
  Duration restart_delay = 0s;
  std::optional<std::uint32_t> max_restarts;  // consecutive unhealthy exits before `errored`; absent = never gives up
  Duration min_uptime = 1s;
  Duration min_ready = 500ms;  // alive this long = online
  std::string user;            // run as (name or number); empty = as the daemon

  static constexpr auto fields();
  friend bool operator==(const AppSpec&, const AppSpec&) = default;
};

using SpecPtr = std::shared_ptr<const AppSpec>;

// All problems of a spec, each with the field's name; success if there are none. Knows no file system.
[[nodiscard]] Status validate(const AppSpec& spec);

// A name is 1 to kMaxNameBytes of letters, digits, '-', '_', '.', ':', '@' and '+', not only digits, not "all", no leading '-'.
[[nodiscard]] Status validate_name(std::string_view name);

}  // namespace roost::model

template <>
struct roost::EnumNames<roost::model::ExecKind> {
  static constexpr std::array<std::pair<roost::model::ExecKind, std::string_view>, 3> values{{
      {roost::model::ExecKind::direct, "direct"},
      {roost::model::ExecKind::interpreter, "interpreter"},
      {roost::model::ExecKind::shell, "shell"}}};
};

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
      opt("autorestart", &AppSpec::autorestart, "start again after an exit"),
      opt("kill_timeout", &AppSpec::kill_timeout, "time between SIGTERM and SIGKILL, ms"),
      opt("restart_delay", &AppSpec::restart_delay, "wait before each automatic restart, ms"),
      opt("max_restarts", &AppSpec::max_restarts, "unhealthy exits in a row before giving up; absent = never"),
      opt("min_uptime", &AppSpec::min_uptime, "an exit before this is a quick one, ms"),
      opt("min_ready", &AppSpec::min_ready, "alive this long means online, ms"),
      opt("user", &AppSpec::user, "user to run as; only when the daemon is root")};
}
