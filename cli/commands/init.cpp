#include <array>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "cli/app_builder.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/file_system.h"
#include "core/base/fs.h"
#include "core/base/unique_fd.h"

namespace roost::cli {
namespace {

struct Written {
  std::string file;

  static constexpr auto fields() {
    return std::tuple{req("file", &Written::file, "the file that was written")};
  }
};

constexpr std::string_view kFileName = "roost.toml";

// %SCRIPT% is a program that is there, or a shell line that every machine can run.
constexpr std::string_view kTemplate = R"toml(# Apps of this directory, for roost.
#
#   roost check     is this file right?
#   roost plan      what would change?
#   roost apply     bring the apps to what this file says; as often as you like
#
# All fields: docs/config.md. Paths are seen from this file's directory. Variables are expanded:
# ${NAME}, or ${NAME:-text} with a default; $${NAME} is the text ${NAME} itself.

[[apps]]
name = "%NAME%"
script = "%SCRIPT%"              # a script, a program, or a shell line

# args = ["--port", "8080"]
# interpreter = "node"           # default: the script's #! line, else its extension
# cwd = "."
# instances = 2                  # "max": one per processor

# Variables of the app. Of your shell it gets PATH, HOME, LANG and the like only.
# env = { PORT = 8080, LOG_LEVEL = "info" }
# env_production = { LOG_LEVEL = "warn" }    # with: roost apply --env production
# env_file = ".env"                          # below env

# restart = "always"             # or "on-failure", "never"
# restart_delay = "1s"
# max_restarts = 10              # unhealthy exits in a row before giving up
# kill_timeout = "10s"           # between SIGTERM and SIGKILL
# autostart = false              # add it, but do not start it

# out_file = "logs/out.log"      # default: in ~/.roost/logs
# error_file = "logs/error.log"

# [[apps]]
# name = "worker"
# script = "worker.py"
)toml";

constexpr std::string_view kIdle = "while :; do date; sleep 60; done";

// The script that a directory of this kind usually starts with, where it can be run.
std::string find_script(const std::string& directory) {
  static constexpr std::array<std::string_view, 8> kUsual{
      "server.js", "app.js", "index.js", "main.js", "main.py", "app.py", "server.py", "start.sh"};
  for (const std::string_view name : kUsual) {
    if (file_kind(absolute_path(name, directory)) != FileKind::regular) continue;
    StartOptions options;
    const auto builder = AppBuilder::make(options, {}, directory);
    if (builder && builder->resolve(std::string(name))) return std::string(name);
  }
  return std::string(kIdle);
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

Status write_new(const std::string& path, std::string_view text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file && errno == EEXIST)
    return Error{Errc::exists, "'" + path + "' is there already",
                 "roost check tells whether it is right"};
  if (!file) return errno_error(path, errno);
  return write_all(file.get(), text);
}

}  // namespace

ExitCode run_init(Invocation& invocation, const Command& self, Args args) {
  ArgParser parser(invocation, self);
  if (const auto done = parser.parse(args)) return *done;
  const auto directory = working_directory();
  if (!directory) return invocation.fail(directory.error());
  const std::string script = find_script(*directory);
  const std::string name = script == kIdle ? "hello" : default_name(script);
  const std::string text =
      replaced(replaced(std::string(kTemplate), "%NAME%", name), "%SCRIPT%", script);
  const std::string path = absolute_path(kFileName, *directory);
  if (const Status written = write_new(path, text); !written)
    return invocation.fail(written.error());
  if (invocation.options.json) {
    invocation.show_json(Written{path});
    return ExitCode::ok;
  }
  invocation.say("wrote " + invocation.safe(path) + "; next: roost apply");
  return ExitCode::ok;
}

}  // namespace roost::cli
