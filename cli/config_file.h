// Configuration files on the command line: which words are some, and the apps they describe,
// finished as if each had been started by hand in the file's directory.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/app_env.h"
#include "config/ecosystem.h"
#include "core/model/app_spec.h"

namespace roost::cli {

// "-" (JSON on stdin), package.json, and files by their names: *.json, *.yaml, *.yml, *.toml, and
// *.config.js, .cjs, .mjs.
[[nodiscard]] bool is_config_file(std::string_view word);

struct ConfiguredApp {
  model::AppSpec spec;
  bool autostart = true;
  bool says_restart = false;  // whether to restart stands in the file
  // Where it is said: fields of files by their names, variables as "env.NAME". "roost.toml:4",
  // "env_file .env", "shell"; what nobody says is not in it.
  std::map<std::string, std::string> origins{};
};

struct ConfiguredApps {
  std::vector<ConfiguredApp> apps;
  std::vector<std::string> remarks;
};

struct ConfigWishes {
  std::vector<std::string> only;      // names of apps; empty: all
  std::string env_name;               // of env_NAME
  std::vector<std::string> settings;  // NAME=VALUE, over all of the file's
  std::vector<std::string> pass_env;  // further names to take from this environment, or "all"
};

// `environment`: of this process; the apps get the part of it that passed_environment() lets
// through. Nothing is returned when anything is wrong: all faults come as one error.
[[nodiscard]] Result<ConfiguredApps> load_apps(const std::string& word, const ConfigWishes& wishes,
                                               const Environment& environment,
                                               const std::string& directory);

// The file of apps of a directory, by its usual names; nothing when there is none.
[[nodiscard]] std::optional<std::string> find_config_file(const std::string& directory);

}  // namespace roost::cli
