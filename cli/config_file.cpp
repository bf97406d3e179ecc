#include "cli/config_file.h"

#include <algorithm>
#include <array>
#include <set>

#include "cli/app_builder.h"
#include "cli/file_system.h"
#include "cli/pass_env.h"
#include "config/dotenv.h"
#include "config/expand.h"
#include "config/js_loader.h"
#include "core/base/fs.h"

namespace roost::cli {
namespace {

using config::AppConfig;
using config::Document;
using config::Ecosystem;

bool ends_with_any(std::string_view word, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [word](std::string_view ending) { return word.ends_with(ending); });
}

bool is_script(std::string_view path) {
  return ends_with_any(path, {".config.js", ".config.cjs", ".config.mjs"});
}

struct Loaded {
  Document document;
  std::vector<std::string> remarks;
  bool computed = false;  // by JavaScript, which has expanded what it wanted
};

Result<std::string> javascript_program(const std::string& path, const std::string& directory) {
  for (const std::string_view name : {"node", "bun", "deno"})
    if (auto program = find_program(name, directory)) return *program;
  return Error{Errc::not_found, path + " is JavaScript, and there is no node, bun or deno",
               "install one: apt install nodejs; or write the file as TOML, YAML or JSON"};
}

Result<Loaded> from_js(Result<config::JsResult> result) {
  if (!result) return std::move(result).error();
  Loaded loaded{std::move(result->document), {}, true};
  if (!result->dropped.empty()) {
    std::string names;
    for (const std::string& name : result->dropped)
      names += (names.empty() ? "" : ", ") + name;
    loaded.remarks.push_back(loaded.document.path + ": functions are left out: " + names);
  }
  return loaded;
}

// PM2 evaluates its JSON files as JavaScript: what is no JSON gets that chance, too.
Result<Loaded> read_json(const std::string& path, const std::string& text,
                         const std::string& directory) {
  auto document = config::parse_document(path, text, config::Format::json);
  if (document) return Loaded{std::move(*document), {}};
  if (document.error().code == Errc::conflict) {  // JavaScript would take it, and say nothing
    Error error = std::move(document).error();
    error.code = Errc::invalid;
    return error;
  }
  const auto program = javascript_program(path, directory);
  if (!program) return std::move(document).error();
  auto evaluated = from_js(config::evaluate_js(*program, absolute_path(path, directory), text));
  if (!evaluated) return std::move(document).error();
  evaluated->document.path = path;
  return evaluated;
}

Result<Loaded> read_config(const std::string& word, const std::string& directory) {
  if (word == "-") {
    auto text = read_file("/dev/stdin", config::kMaxConfigBytes);
    if (!text) return std::move(text).error().context("stdin");
    return read_json("stdin", *text, directory);
  }
  const std::string path = absolute_path(word, directory);
  if (file_kind(path) != FileKind::regular)
    return Error{Errc::not_found, "'" + path + "' does not exist, or is no file",
                 suggest_file(path)};
  if (is_script(path)) {
    const auto program = javascript_program(word, directory);
    if (!program) return program.error();
    auto loaded = from_js(config::load_js(*program, path));
    if (loaded) loaded->document.path = word;
    return loaded;
  }
  auto text = read_file(path, config::kMaxConfigBytes);
  if (!text) return std::move(text).error();
  if (path.ends_with(".json")) return read_json(word, *text, directory);
  const auto format = path.ends_with(".toml") ? config::Format::toml : config::Format::yaml;
  auto document = config::parse_document(word, std::move(*text), format);
  if (!document) return std::move(document).error();
  return Loaded{std::move(*document), {}};
}

StartOptions options_of(const AppConfig& app) {
  StartOptions options;
  options.targets = {app.script};
  options.args = app.args;
  options.name = app.name;
  options.interpreter = app.interpreter;
  options.interpreter_args = app.interpreter_args;
  options.cwd = app.cwd;
  options.instances = app.instances;
  options.output = app.out_file;
  options.error = app.error_file;
  options.log = app.log_file;
  options.base = app.settings;
  return options;
}

// PM2's ways of making one name of several words.
Status change_name(const AppConfig& app, const std::string& env_name, std::string& name) {
  if (app.append_env_to_name && !env_name.empty()) name += "-" + env_name;
  if (!app.name_prefix.empty()) name = app.name_prefix + ":" + name;
  return model::validate_name(name);
}

// Of one file of apps: where it is, and what its apps may take from this shell.
struct Surroundings {
  const ConfigWishes& wishes;
  const Environment& environment;
  Environment passed;
  std::string directory;
};

// `earlier`: of the files before this one.
Result<config::Variables> read_env_file(const config::EnvFile& file, const Surroundings& around,
                                        config::Variables earlier) {
  const std::string path = absolute_path(file.path, around.directory);
  auto text = read_file(path, config::kMaxEnvFileBytes);
  if (!text && text.error().code == Errc::not_found)
    return Error{Errc::not_found, "env_file '" + path + "' does not exist", suggest_file(path)};
  if (!text) return std::move(text).error().context("env_file");
  earlier.insert(around.environment.begin(), around.environment.end());
  return config::parse_dotenv(file.path, std::move(*text), earlier);
}

using Origins = std::map<std::string, std::string>;
constexpr char kFromShell[] = "shell";

// All that goes into the environment, later ones over earlier ones.
Environment environment_of(const AppConfig& app, const Surroundings& around,
                           std::vector<config::Problem>& problems, Origins& origins) {
  Environment from_files;
  for (const config::EnvFile& file : app.env_files) {
    auto variables = read_env_file(file, around, from_files);
    // A fault within has its own line.
    if (!variables)
      problems.push_back({variables.error().code == Errc::invalid ? config::Place{} : file.at,
                          variables.error().message, variables.error().hint});
    else
      for (auto& [name, value] : *variables) {
        from_files[name] = std::move(value);
        origins["env." + name] = "env_file " + file.path;
      }
  }
  Environment env = from_files;
  Environment passed = around.passed;
  filter_environment(app.filter_env, passed);
  env.insert(passed.begin(), passed.end());
  for (const auto& [name, value] : passed)
    origins.emplace("env." + name, kFromShell);
  for (const auto& [name, value] : app.env) {
    if (value)
      env[name] = *value;
    else
      env.erase(name);
  }
  return env;
}

void add_places(const AppConfig& app, const std::string& path, Origins& origins) {
  for (const auto& [name, at] : app.places)
    origins[name] = at.line == 0 ? path : path + ":" + std::to_string(at.line);
}

// What neither the file says nor one of its env files.
std::vector<std::string> inherited_of(const AppConfig& app, const Surroundings& around,
                                      const Origins& origins) {
  std::vector<std::string> names = variables_of_session(around.environment, around.wishes.pass_env,
                                                        app.filter_env, around.wishes.settings);
  std::set<std::string> decided;
  for (const auto& [name, value] : app.env)
    decided.insert(name);
  for (const auto& [field, origin] : origins)
    if (origin != kFromShell && field.starts_with("env.")) decided.insert(field.substr(4));
  const auto locale = decided.lower_bound("LC_");
  if (locale != decided.end() && locale->starts_with("LC_")) decided.emplace(model::kAllOfLocale);
  std::erase_if(names, [&](const std::string& name) { return decided.contains(name); });
  return names;
}

Result<ConfiguredApp> finish(const AppConfig& app, const Surroundings& around, Environment env,
                             const Origins& origins) {
  StartOptions options = options_of(app);
  options.env = around.wishes.settings;
  options.base.inherited = inherited_of(app, around, origins);
  auto builder = AppBuilder::make(options, std::move(env), around.directory);
  if (!builder) return std::move(builder).error();
  auto target = builder->resolve(app.script);
  if (!target) return std::move(target).error();
  if (!target->app)
    return Error{Errc::not_found,
                 "script '" + app.script + "' does not exist, and is no program in PATH",
                 suggest_file(absolute_path(app.script, around.directory))};
  if (Status named = change_name(app, around.wishes.env_name, target->app->name); !named)
    return std::move(named).error();
  if (Status valid = model::validate(*target->app); !valid) return std::move(valid).error();
  return ConfiguredApp{std::move(*target->app), app.autostart.value_or(true), app.says_restart};
}

// At the field that it is about. What builds apps calls fields as the options of `start`.
config::Problem problem_of(const AppConfig& app, const Error& error) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kBegins{
      {{"--cwd", "cwd"},
       {"--output", "out_file"},
       {"--error", "error_file"},
       {"--log", "log_file"},
       {"--instances", "instances"},
       {"--interpreter", "interpreter"},
       {"interpreter", "interpreter"},
       {"script", "script"},
       {"'", "script"}}};
  config::Problem problem{app.at, error.message, error.hint};
  for (const auto& [begin, field] : kBegins) {
    if (!problem.message.starts_with(begin)) continue;
    if (const auto at = app.places.find(std::string(field)); at != app.places.end())
      problem.at = at->second;
    if (begin.starts_with("--")) problem.message.replace(0, begin.size(), field);
    break;
  }
  if (app.name) problem.message.insert(0, "app '" + *app.name + "': ");
  return problem;
}

std::string directory_of(const std::string& word, const std::string& directory) {
  if (word == "-") return directory;
  const std::string path = absolute_path(word, directory);
  const auto slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

bool is_config_file(std::string_view word) {
  return word == "-" || is_script(word) || ends_with_any(word, {".json", ".yaml", ".yml", ".toml"});
}

Result<ConfiguredApps> load_apps(const std::string& word, const ConfigWishes& wishes,
                                 const Environment& environment, const std::string& directory) {
  auto loaded = read_config(word, directory);
  if (!loaded) return std::move(loaded).error();
  std::vector<config::Problem> problems;
  if (!loaded->computed) problems = config::expand_texts(loaded->document, environment);
  auto ecosystem = config::read_ecosystem(loaded->document, {wishes.env_name, wishes.only});
  if (!ecosystem) return std::move(ecosystem).error();
  const bool is_expanded = problems.empty();  // else there are consequences, which nobody wants
  problems.insert(problems.end(), ecosystem->problems.begin(), ecosystem->problems.end());
  if (!is_expanded) return config::to_error(loaded->document, std::move(problems));
  ConfiguredApps result{{}, std::move(loaded->remarks)};
  for (std::string& remark : ecosystem->remarks)
    result.remarks.push_back(std::move(remark));
  const Surroundings around{wishes, environment, passed_environment(environment, wishes.pass_env),
                            directory_of(word, directory)};
  for (const AppConfig& app : ecosystem->apps) {
    Origins origins;
    Environment env = environment_of(app, around, problems, origins);
    auto finished = finish(app, around, std::move(env), origins);
    add_places(app, loaded->document.path, origins);
    if (finished)
      result.apps.emplace_back(std::move(*finished)).origins = std::move(origins);
    else
      problems.push_back(problem_of(app, finished.error()));
  }
  if (!problems.empty()) return config::to_error(loaded->document, problems);
  return result;
}

std::optional<std::string> find_config_file(const std::string& directory) {
  static constexpr std::array<std::string_view, 9> kNames{
      "roost.toml",           "roost.yaml",           "roost.yml",
      "roost.json",           "ecosystem.config.js",  "ecosystem.config.cjs",
      "ecosystem.config.mjs", "ecosystem.config.yml", "ecosystem.json"};
  for (const std::string_view name : kNames)
    if (file_kind(absolute_path(name, directory)) == FileKind::regular) return std::string(name);
  return std::nullopt;
}

}  // namespace roost::cli
