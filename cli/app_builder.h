// From the words of `roost start` to finished specs: absolute paths, interpreter resolved.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/app_env.h"
#include "core/base/result.h"
#include "core/base/words.h"
#include "core/model/app_spec.h"

namespace roost::cli {

// As given on the command line.
struct StartOptions {
  model::AppSpec base;  // settings that need no file system; the others go over it
  std::vector<std::string> targets;
  std::vector<std::string> args;
  std::optional<std::string> name;
  std::optional<std::string> interpreter;
  std::vector<std::string> interpreter_args;
  std::optional<std::string> cwd;
  std::optional<std::string> instances;
  std::vector<std::string> env;
  std::optional<std::string> output;
  std::optional<std::string> error;
  std::optional<std::string> log;  // "true": where roost puts it
  bool no_autorestart = false;
  bool no_autostart = false;
  bool no_wait = false;
  std::optional<std::string> kill_timeout;
  std::optional<std::string> restart_delay;
  std::optional<std::string> max_restarts;
  std::optional<std::string> user;
  std::optional<std::string> ns;
};

// One thing to start: the existing apps that `selector` names, else `app`. A path, a shell line or
// a new name is no selector: then it is empty, and the daemon tells when the app's name is taken.
struct StartTarget {
  std::string selector;
  std::optional<model::AppSpec> app;
};

class AppBuilder {
 public:
  // `directory` is the working directory. Errc::invalid names the option that makes no sense.
  [[nodiscard]] static Result<AppBuilder> make(const StartOptions& options, Environment environment,
                                               std::string directory);

  // A shell line, a script, a program of PATH, or a word that can only be an app.
  [[nodiscard]] Result<StartTarget> resolve(const std::string& word) const;

 private:
  AppBuilder(const StartOptions& options, std::string directory)
      : options_(options), directory_(std::move(directory)) {}

  Status set_paths();
  Status set_numbers();
  [[nodiscard]] Result<StartTarget> from_file(const std::string& word,
                                              const std::string& path) const;
  [[nodiscard]] StartTarget from_shell_line(const std::string& line) const;
  [[nodiscard]] Result<model::AppSpec> spec_for(const std::string& path) const;

  const StartOptions& options_;  // outlives the builder
  std::string directory_;
  model::AppSpec base_;  // what all targets have in common
};

// A valid app name made of `text`.
[[nodiscard]] std::string make_name(std::string_view text);
// Of a path: its last part without extension.
[[nodiscard]] std::string default_name(std::string_view path);
// Of a shell line: the base name of its first word that is neither `NAME=VALUE` nor `exec`.
[[nodiscard]] std::string default_shell_name(std::string_view line);
// "max" or "0" = `processors`; a negative number is taken from them, at least 1 is left.
[[nodiscard]] Result<std::uint32_t> parse_instances(std::string_view text,
                                                    std::uint32_t processors);

}  // namespace roost::cli
