#include "cli/app_builder.h"

#include <algorithm>

#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>

#include "cli/file_system.h"
#include "cli/interpreter.h"
#include "cli/output/units.h"
#include "core/base/utf8.h"
#include "core/model/restart_policy.h"

namespace roost::cli {
namespace {

std::uint32_t usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::uint32_t>(std::max(CPU_COUNT(&set), 1));
}

Status set_duration(const std::optional<std::string>& text, std::string_view option,
                    Duration& target) {
  if (!text) return ok();
  auto parsed = parse_duration(*text);
  if (!parsed) return std::move(parsed).error().context(option);
  target = *parsed;
  return ok();
}

// PM2's word for "keep nothing".
std::string log_path(const std::optional<std::string>& path, const std::string& cwd) {
  if (!path) return {};
  return *path == "NULL" ? "/dev/null" : absolute_path(*path, cwd);
}

std::string combined_path(const std::string& path, const std::string& cwd) {
  if (path == model::kDefaultLogFile) return path;
  const std::string absolute = log_path(path, cwd);
  return absolute == "/dev/null" ? "" : absolute;
}

// What the daemon would not write to is told before anything is started.
Status check_log_file(const std::string& path, std::string_view option) {
  struct stat st {};

  if (path.empty() || path == "/dev/null" || path == model::kDefaultLogFile ||
      ::lstat(path.c_str(), &st) != 0 || S_ISREG(st.st_mode))
    return ok();
  const char* kind = S_ISDIR(st.st_mode)   ? "a directory"
                     : S_ISLNK(st.st_mode) ? "a symbolic link"
                                           : "no plain file";
  return Error{Errc::invalid, fmt::format("{} '{}' is {}", option, path, kind),
               "output goes into plain files, or to /dev/null"};
}

bool has_blank(std::string_view text) {
  return text.find_first_of(" \t\n") != text.npos;
}

// Python buffers what it writes into a pipe; its log lines would come late, or never when it is
// killed.
void unbuffer_python(std::string_view program, Environment& env) {
  if (program.starts_with("python")) env.emplace("PYTHONUNBUFFERED", "1");
}

// Requests are JSON: other bytes would reach the app changed.
Status check_utf8(std::string_view text, std::string_view what) {
  if (is_utf8(text)) return ok();
  return Error{Errc::invalid, fmt::format("{} '{}' is not UTF-8", what, text),
               "roost passes on UTF-8 only; let the app read other bytes from a file"};
}

Status check_text(const model::AppSpec& spec) {
  for (std::size_t i = 0; i < spec.args.size(); ++i)
    if (auto text = check_utf8(spec.args[i], fmt::format("argument {}", i + 1)); !text) return text;
  for (const auto& [name, value] : spec.env)
    if (!is_utf8(name) || !is_utf8(value))
      return Error{Errc::invalid, fmt::format("the value of the variable '{}' is not UTF-8", name),
                   "roost passes on UTF-8 only"};
  if (auto text = check_utf8(spec.cwd, "--cwd"); !text) return text;
  if (auto text = check_utf8(spec.out_file, "--output"); !text) return text;
  if (auto text = check_utf8(spec.log_file, "--log"); !text) return text;
  if (auto text = check_utf8(spec.log_date_format, "--log-date-format"); !text) return text;
  return check_utf8(spec.error_file, "--error");
}

// With PATH, unless that is a setting.
void inherit(model::AppSpec& spec, std::string_view field) {
  std::vector<std::string>& names = spec.inherited;
  if (std::find(names.begin(), names.end(), "PATH") == names.end()) return;
  names.insert(std::lower_bound(names.begin(), names.end(), field), std::string(field));
}

Error no_such_file(const std::string& path) {
  return {Errc::not_found, fmt::format("script '{}' does not exist", path), suggest_file(path)};
}

}  // namespace

Result<AppBuilder> AppBuilder::make(const StartOptions& options, Environment environment,
                                    std::string directory) {
  AppBuilder builder(options, std::move(directory));
  auto& base = builder.base_;
  base = options.base;
  if (auto env = apply_settings(options.env, environment); !env) return std::move(env).error();
  base.env = std::move(environment);
  base.args = options.args;
  if (options.no_autorestart) base.restart = model::RestartWhen::never;
  if (options.user) base.user = *options.user;
  if (options.ns) base.ns = *options.ns;
  if (auto paths = builder.set_paths(); !paths) return std::move(paths).error();
  if (auto numbers = builder.set_numbers(); !numbers) return std::move(numbers).error();
  if (options.name && options.targets.size() > 1)
    return Error{Errc::invalid, "--name can name one app only", {}};
  if (auto text = check_text(base); !text) return std::move(text).error();
  if (options.name)
    if (auto name = model::validate_name(*options.name); !name)
      return std::move(name).error().context("--name");
  return builder;
}

Status AppBuilder::set_paths() {
  base_.cwd = options_.cwd ? absolute_path(*options_.cwd, directory_) : directory_;
  if (file_kind(base_.cwd) != FileKind::directory)
    return Error{Errc::not_found, fmt::format("--cwd '{}' is not a directory", base_.cwd), {}};
  base_.out_file = log_path(options_.output, base_.cwd);
  base_.error_file = log_path(options_.error, base_.cwd);
  if (options_.log) base_.log_file = combined_path(*options_.log, base_.cwd);
  for (std::string& path : base_.watch_paths)
    path = absolute_path(path, base_.cwd);
  if (Status fits = check_log_file(base_.out_file, "--output"); !fits) return fits;
  if (Status fits = check_log_file(base_.log_file, "--log"); !fits) return fits;
  return check_log_file(base_.error_file, "--error");
}

Status AppBuilder::set_numbers() {
  if (options_.instances) {
    auto count = parse_instances(*options_.instances, usable_processors());
    if (!count) return std::move(count).error().context("--instances");
    base_.instances = *count;
  }
  if (options_.max_restarts) {
    auto limit = model::parse_restart_limit(*options_.max_restarts);
    if (!limit) return std::move(limit).error().context("--max-restarts");
    base_.max_restarts = limit->count;
    base_.max_restarts_within = limit->within;
  }
  if (auto set = set_duration(options_.kill_timeout, "--kill-timeout", base_.kill_timeout); !set)
    return set;
  return set_duration(options_.restart_delay, "--restart-delay", base_.restart_delay);
}

Result<StartTarget> AppBuilder::resolve(const std::string& word) const {
  if (auto text = check_utf8(word, "what to start"); !text) return std::move(text).error();
  if (word.empty()) return Error{Errc::invalid, "an empty word names nothing to start", {}};
  for (const auto& base : {directory_, base_.cwd}) {
    const auto path = absolute_path(word, base);
    const auto kind = file_kind(path);
    if (kind == FileKind::regular) return from_file(word, path);
    const bool is_path = word.find('/') != std::string::npos && !has_blank(word);
    if (kind == FileKind::directory && is_path)
      return Error{Errc::invalid, fmt::format("'{}' is a directory", path),
                   "name the script in it"};
  }
  if (has_blank(word)) return from_shell_line(word);
  if (word.find('/') != std::string::npos) return no_such_file(absolute_path(word, directory_));
  const auto program = find_program(word, directory_);
  if (!program) return StartTarget{word, std::nullopt};
  auto target = from_file(word, *program);
  if (target && target->app) inherit(*target->app, model::kScriptByPath);
  return target;
}

// A bare word may be meant for an app of that name, whatever lies here or in PATH: it stays the
// selector.
Result<StartTarget> AppBuilder::from_file(const std::string& word, const std::string& path) const {
  auto spec = spec_for(path);
  if (!spec) return std::move(spec).error();
  const bool is_bare = word.find('/') == std::string::npos && !has_blank(word);
  const bool may_be_app = is_bare && !options_.name && options_.args.empty();
  StartTarget target{may_be_app ? word : "", std::move(*spec)};
  return target;
}

StartTarget AppBuilder::from_shell_line(const std::string& line) const {
  auto spec = base_;
  spec.kind = model::ExecKind::shell;
  spec.script = line;
  const auto program = default_shell_name(line);
  spec.name = options_.name.value_or(program);
  unbuffer_python(program, spec.env);
  return {{}, std::move(spec)};
}

Result<model::AppSpec> AppBuilder::spec_for(const std::string& path) const {
  auto file = read_script(path);
  if (!file) return std::move(file).error();
  // Arguments for the interpreter need one: the '#!' line is then carried out by us, not the
  // kernel.
  if (!options_.interpreter_args.empty() && file->head.starts_with("#!")) file->executable = false;
  bool by_path = false;
  const auto find = [this, &by_path](std::string_view name) {
    by_path = by_path || name.find('/') == name.npos;
    return find_program(name, directory_);
  };
  auto choice = choose_exec(*file, options_.interpreter.value_or(""), find);
  if (!choice) return std::move(choice).error();
  auto spec = base_;
  spec.name = options_.name.value_or(default_name(path));
  spec.kind = choice->kind;
  spec.script = path;
  spec.interpreter = std::move(choice->interpreter);
  if (by_path && !spec.interpreter.empty()) inherit(spec, model::kInterpreterByPath);
  spec.interpreter_args = std::move(choice->interpreter_args);
  if (!options_.interpreter_args.empty()) {
    if (spec.kind != model::ExecKind::interpreter)
      return Error{Errc::invalid,
                   fmt::format("'{}' is executed directly: --interpreter-args has no use", path),
                   "name the interpreter too: --interpreter"};
    spec.interpreter_args.insert(spec.interpreter_args.end(), options_.interpreter_args.begin(),
                                 options_.interpreter_args.end());
  }
  unbuffer_python(choice->program, spec.env);
  if (choice->program == "node") spec.ipc = true;  // also by a '#!' line
  return spec;
}

}  // namespace roost::cli
