#include <algorithm>

#include <unistd.h>

#include "cli/args.h"
#include "cli/commands.h"
#include "cli/commands/start_config.h"
#include "cli/file_system.h"
#include "cli/foreground/runner.h"

namespace roost::cli {
namespace {

struct RunOptions {
  StartOptions start;
  ConfigWishes wishes;
  std::optional<std::string> format;
  std::optional<std::string> restart;
};

// What is to run, and whether it is restarted.
struct Job {
  std::vector<model::AppSpec> specs;
  Supervision supervision = Supervision::once;
};

void declare(ArgParser& parser, RunOptions& options) {
  parser.words("a script or a file of apps", options.start.targets, {.most = 1});
  parser.rest(options.start.args);
  parser.value("-n,--name", "NAME", options.start.name, "name of the app in messages");
  parser.value("--interpreter", "PROGRAM", options.start.interpreter,
               "what runs the script; none: execute it directly");
  parser.value("--cwd", "DIR", options.start.cwd, "working directory of the app");
  parser.list("--env", "NAME=VALUE", options.start.env,
              "set a variable; may be repeated; with a file also NAME, for its env_NAME");
  parser.list("--only", "NAME", options.wishes.only, "of a file, only this app; may be repeated");
  parser.value("--restart", "WHEN", options.restart,
               "start it again: always, on-failure, never; default: of a file");
  parser.value("-k,--kill-timeout", "TIME", options.start.kill_timeout,
               "time to end after SIGTERM, then SIGKILL; default 10s");
  parser.value("--log-format", "raw|json", options.format,
               "json: each line of the apps as an object with app and time");
}

std::optional<model::RestartWhen> parse_restart(std::string_view word) {
  for (const auto& [value, name] : EnumNames<model::RestartWhen>::values)
    if (name == word) return value;
  return std::nullopt;
}

// The whole environment: what starts a container has chosen it, and nothing of it is kept.
Result<Job> from_file(Invocation& invocation, const std::string& word, RunOptions& options,
                      const std::string& directory) {
  options.wishes.pass_env = {"all"};
  for (const std::string& setting : options.start.env) {
    if (setting.find('=') != std::string::npos)
      options.wishes.settings.push_back(setting);
    else
      options.wishes.env_name = setting;
  }
  auto loaded = load_apps(word, options.wishes, inherited_environment(environ), directory);
  if (!loaded) return std::move(loaded).error();
  for (const std::string& remark : loaded->remarks)
    invocation.warn("note: " + invocation.safe(remark));
  Job job;
  bool says_restart = false;
  for (ConfiguredApp& app : loaded->apps) {
    if (!app.autostart) continue;
    if (app.spec.job && options.wishes.only.empty()) {  // there is nobody to keep its times
      invocation.warn("note: '" + invocation.safe(app.spec.name) +
                      "' is a job; to run it once: --only " + invocation.safe(app.spec.name));
      continue;
    }
    says_restart = says_restart || app.spec.retries > 0;
    says_restart = says_restart || app.says_restart;
    job.specs.push_back(std::move(app.spec));
  }
  if (job.specs.empty())
    return Error{Errc::invalid, "no app of '" + word + "' is to be started", "see autostart"};
  const bool several = job.specs.size() > 1 || job.specs.front().instances > 1;
  if (several || says_restart) job.supervision = Supervision::policy;
  return job;
}

Result<Job> from_script(RunOptions& options, const std::string& directory) {
  if (options.start.targets.empty())
    return Error{Errc::invalid, "there is nothing to run", "name a script or a file of apps"};
  auto builder = AppBuilder::make(options.start, inherited_environment(environ), directory);
  if (!builder) return std::move(builder).error();
  auto target = builder->resolve(options.start.targets.front());
  if (!target) return std::move(target).error();
  if (!target->app)
    return Error{Errc::not_found,
                 "'" + options.start.targets.front() + "' is no file here and no program in PATH",
                 suggest_file(absolute_path(options.start.targets.front(), directory))};
  return Job{{std::move(*target->app)}};
}

Result<Job> make_job(Invocation& invocation, RunOptions& options) {
  const auto directory = working_directory();
  if (!directory) return directory.error();
  auto& words = options.start.targets;
  if (words.empty())
    if (const auto found = find_config_file(*directory)) words = {*found};
  const bool file = !words.empty() && is_config_file(words.front());
  auto job = file ? from_file(invocation, words.front(), options, *directory)
                  : from_script(options, *directory);
  if (!job) return job;
  for (const model::AppSpec& spec : job->specs)
    if (!spec.user.empty() || !spec.group.empty())
      return Error{Errc::invalid, "app '" + spec.name + "': `roost run` changes no user",
                   "run roost as that user, or set the container's"};
  if (!options.restart) return job;
  const auto restart = parse_restart(*options.restart);
  if (!restart)
    return Error{Errc::invalid, "--restart '" + *options.restart + "' is unknown",
                 "write always, on-failure or never"};
  job->supervision = Supervision::policy;
  for (model::AppSpec& spec : job->specs)
    spec.restart = *restart;
  return job;
}

ExitCode fail_to_run(Invocation& invocation, const Error& error) {
  const ExitCode code = invocation.fail(error);
  if (error.code == Errc::not_found) return ExitCode{kProgramNotFound};
  return error.code == Errc::denied ? ExitCode{kCannotExecute} : code;
}

}  // namespace

ExitCode run_run(Invocation& invocation, const Command& self, Args args) {
  RunOptions options;
  ArgParser parser(invocation, self);
  declare(parser, options);
  if (const auto done = parser.parse(args)) return *done;
  const std::string format = options.format.value_or("raw");
  if (format != "raw" && format != "json")
    return parser.usage_error(
        {Errc::invalid, "--log-format '" + format + "' is unknown", "write raw or json"});
  const auto job = make_job(invocation, options);
  if (!job) return fail_to_run(invocation, job.error());
  return Runner(invocation, format == "json" ? LogFormat::json : LogFormat::raw, job->supervision)
      .run(job->specs);
}

}  // namespace roost::cli
