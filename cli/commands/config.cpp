#include <algorithm>
#include <array>

#include <unistd.h>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/file_system.h"
#include "cli/session.h"
#include "core/model/spec_diff.h"

namespace roost::cli {
namespace {

struct ShownField {
  std::string field;
  std::string value;
  std::optional<std::string> origin;

  static constexpr auto fields() {
    return std::tuple{req("field", &ShownField::field, "its name"),
                      req("value", &ShownField::value, "in words; secrets masked"),
                      opt("origin", &ShownField::origin, "where it comes from")};
  }
};

struct ShownConfig {
  std::string app;
  std::string file;
  std::vector<ShownField> config;

  static constexpr auto fields() {
    return std::tuple{req("app", &ShownConfig::app, "name of the app"),
                      opt("file", &ShownConfig::file, "the file it came from"),
                      req("config", &ShownConfig::config, "all fields")};
  }
};

// Fields of an app, and the fields of a file that they come from.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kOtherNames{
    {{"env.PORT", "port"},
     {"increment_var", "port"},
     {"restart", "autorestart"},
     {"kill_mode", "treekill"},
     {"ipc", "script"}}};

using Origins = std::map<std::string, std::string>;

const std::string* find_origin(const Origins& origins, const std::string& field) {
  if (const auto at = origins.find(field); at != origins.end()) return &at->second;
  const std::string table = field.substr(0, field.find('.'));
  if (const auto at = origins.find(table); at != origins.end() && table != "env")
    return &at->second;
  for (const auto& [name, other] : kOtherNames)
    if (const auto at = origins.find(std::string(other)); name == field && at != origins.end())
      return &at->second;
  return nullptr;
}

// Of an app that was started by hand the command line is not kept, only what it said.
std::string origin_of(const model::FieldValue& value, const Origins* origins) {
  const std::string* said = origins != nullptr ? find_origin(*origins, value.field) : nullptr;
  // `port` goes below `env`: a PORT of the shell is none of the file's.
  if (value.field == "env.PORT" && said != nullptr && *said == "shell" && origins->contains("port"))
    said = &origins->at("port");
  const bool own = said != nullptr && origins->contains(value.field);
  if (said != nullptr && (own || !value.is_default)) return *said;
  if (value.is_default) return "default";
  const bool variable = value.field.starts_with("env.");
  if (origins == nullptr) return variable ? "shell, or --env" : "start";
  return variable ? "not in the file or this shell: --env, or added by roost"
                  : "not in the file: chosen by roost";
}

// What the file says now; an app that it has no more is told like one started by hand.
Result<std::optional<Origins>> origins_in(const std::string& file, const std::string& app,
                                          const std::string& env_name) {
  const auto directory = working_directory();
  if (!directory) return directory.error();
  ConfigWishes wishes;
  wishes.env_name = env_name;
  auto loaded = load_apps(file, wishes, inherited_environment(environ), *directory);
  if (!loaded) return std::move(loaded).error();
  for (ConfiguredApp& one : loaded->apps)
    if (one.spec.name == app) return std::optional(std::move(one.origins));
  return std::optional<Origins>();
}

std::string line_of(const ShownField& field, std::size_t width) {
  std::string line = field.field + " = " + field.value;
  if (!field.origin) return line;
  line.resize(std::max(line.size() + 2, width), ' ');
  return line + "# " + *field.origin;
}

constexpr std::size_t kOriginColumn = 40;

void show(Invocation& invocation, const ShownConfig& shown) {
  if (invocation.options.json) return invocation.show_json(shown);
  for (const ShownField& field : shown.config)
    invocation.show(invocation.safe(line_of(field, kOriginColumn)) + "\n");
}

struct ConfigOptions {
  std::vector<std::string> words;
  bool origin = false;
  std::optional<std::string> env_name;
};

Result<ShownConfig> read_config_of(Invocation& invocation, const ConfigOptions& options) {
  auto reply = call(ipc::kDescribe, {.targets = {options.words[1]}, .reveal = false});
  if (!reply) return std::move(reply).error();
  const std::string name = reply->instances.front().spec.name;
  for (const ipc::Description& one : reply->instances)
    if (one.spec.name != name)
      return Error{Errc::invalid, "'" + options.words[1] + "' names several apps",
                   "name one of them"};
  const ipc::Description& app = reply->instances.front();
  std::optional<Origins> origins;
  if (options.origin && !app.source.empty()) {
    auto read = origins_in(app.source, name, options.env_name.value_or(""));
    if (!read) return std::move(read).error().context("where it comes from");
    origins = std::move(*read);
    if (!origins)
      invocation.warn("note: " + invocation.safe(app.source) + " has no app '" + name +
                      "' any more");
  }
  ShownConfig shown{name, app.source, {}};
  for (model::FieldValue& value : model::field_values(app.spec)) {
    ShownField field{std::move(value.field), std::move(value.value), std::nullopt};
    value.field = field.field;
    if (options.origin) field.origin = origin_of(value, origins ? &*origins : nullptr);
    shown.config.push_back(std::move(field));
  }
  return shown;
}

}  // namespace

ExitCode run_config(Invocation& invocation, const Command& self, Args args) {
  ConfigOptions options;
  ArgParser parser(invocation, self);
  parser.words("show and an app", options.words, {.least = 2, .most = 2});
  parser.flag("--origin", options.origin,
              "where each comes from: file:line, env_file, shell, default");
  parser.value("--env", "NAME", options.env_name, "the file is read with its env_NAME");
  if (const auto done = parser.parse(args)) return *done;
  if (options.words.front() != "show")
    return parser.usage_error(
        {Errc::invalid, "config does not know '" + options.words.front() + "'", "write: show"});
  const auto shown = read_config_of(invocation, options);
  if (!shown) return invocation.fail(shown.error());
  show(invocation, *shown);
  return ExitCode::ok;
}

}  // namespace roost::cli
