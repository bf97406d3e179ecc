// Ecosystem: the apps that a configuration file describes, in roost's words and in PM2's. One table
// of fields (fields.cpp) gives names, aliases, types and what is done about each.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "core/model/app_spec.h"

namespace roost::config {

// A file of variables, as written, and where.
struct EnvFile {
  std::string path;
  Place at;
};

// Which variables of the shell an app does not inherit.
struct EnvFilter {
  bool everything = false;         // but PATH, HOME and what else says who and where one is
  std::vector<std::string> names;  // these
  std::vector<std::string> parts;  // those whose name holds one of these
};

// As written; what has to do with files and programs is not looked up yet.
struct AppConfig {
  Place at;
  std::string script;
  std::optional<std::string> name;
  std::vector<std::string> args;
  std::optional<std::string> cwd;
  std::vector<EnvFile> env_files;
  std::map<std::string, std::optional<std::string>> env;  // without value: is taken out
  std::optional<std::string> interpreter;
  std::vector<std::string> interpreter_args;
  std::optional<std::string> instances;
  std::optional<std::string> out_file;
  std::optional<std::string> error_file;
  std::optional<std::string> log_file;  // "true": where roost puts it
  model::AppSpec settings;              // what needs no file system, in its final form
  std::optional<bool> autostart;
  bool says_restart = false;  // whether to restart was written, and not left to the default
  EnvFilter filter_env;
  std::string name_prefix;  // PM2's: "prefix:name"
  bool append_env_to_name = false;
  // Where things were said: fields by their names, variables as "env.NAME".
  std::map<std::string, Place> places;
};

struct EcosystemOptions {
  std::string env_name;           // whose env_NAME goes over env; empty: none
  std::vector<std::string> only;  // names; empty: all
};

struct Ecosystem {
  std::vector<AppConfig> apps;       // those without a fault
  std::vector<Problem> problems;
  std::vector<std::string> remarks;  // fields of PM2 that roost does not have yet, and the like
};

// Errc::not_found, where there are no other faults: `only` or `env_name` names what is not there.
[[nodiscard]] Result<Ecosystem> read_ecosystem(const Document& document,
                                               const EcosystemOptions& options);

// One field of an app.
struct Field {
  std::string_view name;
  std::string_view aliases;  // one blank between two
  std::string_view doc;
  // Takes the value, or says what is wrong with it. Null: the field is known and has no effect yet.
  std::optional<std::string> (*set)(const Value& value, AppConfig& app);
};

[[nodiscard]] std::span<const Field> all_fields();
// Why this field does not go with the app's being a job, or no job; empty: it does.
[[nodiscard]] std::string_view job_misfit(std::string_view field, bool job);
// By name or alias, camelCase too; null when there is none.
[[nodiscard]] const Field* find_field(std::string_view key);
[[nodiscard]] std::string suggest_field(std::string_view key);

}  // namespace roost::config
