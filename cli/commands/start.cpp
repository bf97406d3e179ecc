#include <algorithm>
#include <iterator>
#include <span>

#include <unistd.h>

#include "cli/app_builder.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/commands/start_config.h"
#include "cli/commands/start_report.h"
#include "cli/file_system.h"
#include "cli/interrupt.h"
#include "cli/pass_env.h"
#include "cli/policy_options.h"
#include "cli/session.h"
#include "core/base/fs.h"
#include "core/base/record_codec.h"
#include "core/model/limits.h"

namespace roost::cli {
namespace {

void declare(ArgParser& parser, StartOptions& options, std::optional<std::string>& interpreter_args,
             ConfigWishes& wishes, PolicyOptions& policy) {
  parser.words("something to start", options.targets, {});
  parser.rest(options.args);
  parser.value("-n,--name", "NAME", options.name, "name of the app; default: that of the script");
  parser.value("-i,--instances", "N|max", options.instances,
               "how many to run; max: one per processor");
  parser.value("--interpreter", "PROGRAM", options.interpreter,
               "what runs the script; none: execute it directly");
  parser.value("--interpreter-args", "ARGS", interpreter_args,
               "arguments before the script, blank-separated");
  parser.value("--cwd", "DIR", options.cwd, "working directory of the app");
  parser.list("--env", "NAME=VALUE", options.env,
              "set a variable; may be repeated; with a file also NAME, for its env_NAME");
  parser.value("-o,--output", "FILE", options.output, "file for its stdout");
  parser.value("-e,--error", "FILE", options.error, "file for its stderr");
  parser.value("-l,--log", "FILE|true", options.log, "file for both as well; true: logs/NAME.log");
  parser.flag("--no-autorestart", options.no_autorestart, "do not start it again when it ends");
  parser.value("--max-restarts", "N[/TIME]", options.max_restarts,
               "give up after N unhealthy exits in a row, or N/TIME");
  parser.value("--restart-delay", "TIME", options.restart_delay,
               "wait before each restart: 500ms, 10s, 2m");
  parser.value("-k,--kill-timeout", "TIME", options.kill_timeout,
               "time to end when asked to, then SIGKILL; default 10s");
  parser.value("--user,--uid", "USER", options.user, "user to run as; needs root");
  parser.value("--namespace", "NAME", options.ns, "group the app belongs to");
  policy.declare(parser);
  parser.list("--only", "NAME", wishes.only, "of a file, only this app; may be repeated");
  parser.list("--pass-env", "NAME|all", wishes.pass_env,
              "a variable of this shell that the app gets as well");
  parser.flag("--no-autostart", options.no_autostart, "add it, and do not start it");
  parser.flag("--no-wait", options.no_wait, "do not wait until the app has proved itself");
}

Result<std::vector<StartTarget>> resolve_all(const StartOptions& options,
                                             const AppBuilder& builder) {
  std::vector<StartTarget> targets;
  for (const auto& word : options.targets) {
    auto target = builder.resolve(word);
    if (!target) return std::move(target).error();
    targets.push_back(std::move(*target));
  }
  return targets;
}

// A word that is nothing here and no app there: both are said.
Error explain(Error error, const ipc::StartRequest& request) {
  if (error.code != Errc::not_found || request.app || request.targets.size() != 1) return error;
  const auto& word = request.targets.front();
  error.message = "'" + word + "' is no file here, no program in PATH and no app";
  if (auto file = suggest_file("./" + word); !file.empty()) error.hint = std::move(file);
  return error;
}

std::vector<ipc::StartRequest> make_requests(std::vector<StartTarget> targets,
                                             const StartOptions& options,
                                             const std::string& command) {
  std::vector<ipc::StartRequest> requests;
  for (auto& target : targets) {
    ipc::StartRequest& request =
        requests.emplace_back(ipc::StartRequest{.targets = {},
                                                .app = std::move(target.app),
                                                .wait = !options.no_wait,
                                                .command = command,
                                                .autostart = !options.no_autostart});
    if (!target.selector.empty()) request.targets.push_back(std::move(target.selector));
  }
  return requests;
}

// Whether anything was said about how to run an app, which only a new one can heed.
bool has_settings(const StartOptions& options) {
  return options.name || options.interpreter || !options.interpreter_args.empty() || options.cwd ||
         options.instances || options.output || options.error || options.log ||
         options.kill_timeout || options.restart_delay || options.max_restarts || options.user ||
         options.ns || !options.env.empty() || !options.args.empty() || options.no_autorestart ||
         options.no_autostart;
}

// Of those that have nothing to do with a file's fields.
Status check_job_options(const StartOptions& options, bool job) {
  const auto misfit = [job](std::string_view option, std::string_view field) {
    return Error{
        Errc::invalid, std::string(option) + " " + std::string(config::job_misfit(field, job)), {}};
  };
  if (job && options.instances) return misfit("--instances", "instances");
  if (job && options.max_restarts) return misfit("--max-restarts", "max_restarts");
  return ok();
}

std::size_t count_files(const std::vector<std::string>& words) {
  return static_cast<std::size_t>(std::count_if(words.begin(), words.end(), is_config_file));
}

// With a file its own fields say how to run its apps.
Status check_file_options(const StartOptions& options, const PolicyOptions& policy,
                          std::size_t files) {
  StartOptions others = options;
  others.env.clear();
  if (files != options.targets.size() || files > 1)
    return Error{Errc::invalid, "a file of apps is started by itself", {}};
  if (has_settings(others) || policy.any())
    return Error{Errc::invalid, "how to run the apps of a file stands in the file",
                 "with it go: --only, --env, --pass-env, --no-wait"};
  return ok();
}

std::string dotenv_of(const std::string& directory) {
  auto text = read_file(directory + "/.env", model::limits::kMaxEnvFileBytes);
  return text ? std::move(*text) : std::string();
}

// Once, by name: what they hold is nobody's business.
void tell_missed(Invocation& invocation, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::string list;
  for (const std::string& name : names)
    list += (list.empty() ? "" : ", ") + name;
  invocation.warn("note: not passed from this shell: " + invocation.safe(list) +
                  "; to pass one: --pass-env NAME, or all");
}

// So many of the next requests as fit into one message.
std::size_t count_fitting(std::span<const ipc::StartRequest> requests) {
  constexpr std::size_t kFrame = 256;  // what stands around them
  std::size_t bytes = kFrame;
  const std::size_t most = std::min(requests.size(), model::limits::kMaxStartItems);
  for (std::size_t i = 0; i < most; ++i) {
    bytes += to_json(requests[i]).size() + 1;
    if (bytes > model::limits::kMaxRequestBytes) return std::max<std::size_t>(i, 1);
  }
  return most;
}

// `first`: the number of the first of these requests among all.
void add_reply(ipc::StartReply reply, std::span<const ipc::StartRequest> requests,
               std::size_t first, ipc::StartReply& all) {
  std::move(reply.outcomes.begin(), reply.outcomes.end(), std::back_inserter(all.outcomes));
  if (!all.note.empty() && !reply.note.empty()) all.note += "\n";
  all.note += reply.note;
  for (ipc::Refusal& one : reply.refused) {
    if (one.item >= requests.size()) continue;
    Error error = explain({errc_from(one.code), std::move(one.message), std::move(one.hint)},
                          requests[one.item]);
    all.refused.push_back({static_cast<std::uint32_t>(first + one.item), one.code,
                           std::move(error.message), std::move(error.hint)});
  }
}

// For a daemon that knows no other way.
Result<ipc::StartReply> start_one_by_one(std::span<const ipc::StartRequest> requests) {
  ipc::StartReply all;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (!requests[i].autostart)
      return Error{Errc::conflict, "the running daemon is older: it knows no --no-autostart",
                   "roost update"};
    auto reply = call(ipc::kStart, requests[i]);
    if (reply) {
      add_reply(std::move(*reply), {}, i, all);
      continue;
    }
    Error error = explain(std::move(reply).error(), requests[i]);
    all.refused.push_back({static_cast<std::uint32_t>(i), std::string(to_string(error.code)),
                           std::move(error.message), std::move(error.hint)});
  }
  return all;
}

bool is_unknown_method(const Error& error) {
  return error.code == Errc::not_found && error.message.starts_with("no method");
}

// All at once. One alone goes by the method that every daemon knows.
Result<ipc::StartReply> start_all(std::span<const ipc::StartRequest> requests) {
  if (requests.size() == 1 && requests.front().autostart) {
    auto reply = call(ipc::kStart, requests.front());
    return reply ? std::move(reply) : explain(std::move(reply).error(), requests.front());
  }
  ipc::StartReply all;
  for (std::size_t done = 0; done < requests.size();) {
    const auto rest = requests.subspan(done);
    const auto now = rest.first(count_fitting(rest));
    auto reply = call(ipc::kStartAll, ipc::StartAllRequest{{now.begin(), now.end()}});
    if (!reply && is_unknown_method(reply.error())) return start_one_by_one(requests);
    if (!reply) return std::move(reply).error();
    add_reply(std::move(*reply), now, done, all);
    done += now.size();
  }
  return all;
}

}  // namespace

ExitCode run_start(Invocation& invocation, const Command& self, Args args) {
  StartOptions options;
  ConfigWishes wishes;
  std::optional<std::string> interpreter_args;
  ArgParser parser(invocation, self);
  PolicyOptions policy;
  declare(parser, options, interpreter_args, wishes, policy);
  if (const auto done = parser.parse(args)) return *done;
  options.interpreter_args = split_words(interpreter_args.value_or(""));
  auto directory = working_directory();
  if (!directory) return invocation.fail(directory.error());
  if (options.targets.empty())
    if (const auto found = find_config_file(*directory)) options.targets = {*found};
  if (options.targets.empty())
    return parser.usage_error({Errc::invalid, "'start' needs something to start", {}});
  if (const auto files = count_files(options.targets); files > 0) {
    if (auto fits = check_file_options(options, policy, files); !fits)
      return parser.usage_error(std::move(fits).error());
    return apply_config(invocation, {.words = options.targets,
                                     .env = options.env,
                                     .wishes = std::move(wishes),
                                     .no_wait = options.no_wait});
  }
  if (!wishes.only.empty())
    return parser.usage_error({Errc::invalid, "--only goes with a file of apps", {}});
  config::AppConfig app;
  if (Status set = policy.apply(app); !set) return parser.usage_error(std::move(set).error());
  if (Status fits = check_job_options(options, app.settings.job); !fits)
    return parser.usage_error(std::move(fits).error());
  options.base = app.settings;
  const Environment shell = inherited_environment(environ);
  Environment passed = passed_environment(shell, wishes.pass_env);
  filter_environment(app.filter_env, passed);
  options.base.inherited =
      variables_of_session(shell, wishes.pass_env, app.filter_env, options.env);
  auto builder = AppBuilder::make(options, passed, *directory);
  if (!builder) return parser.usage_error(std::move(builder).error());
  auto targets = resolve_all(options, *builder);
  if (!targets) return invocation.fail(targets.error());
  on_interrupt("\nroost: interrupted; what was started goes on, see `roost list`\n",
               invocation.options);
  const auto requests = make_requests(std::move(*targets), options, invocation.command_line());
  const auto reply = start_all(requests);
  if (!reply) return invocation.fail(reply.error());
  if (std::any_of(requests.begin(), requests.end(),
                  [](const auto& one) { return one.app.has_value(); }))
    tell_missed(invocation, missed_variables(shell, passed, dotenv_of(*directory), options.env));
  const auto is_refused = [&reply](std::size_t item) {
    return std::any_of(reply->refused.begin(), reply->refused.end(),
                       [item](const ipc::Refusal& one) { return one.item == item; });
  };
  const auto existing =
      std::find_if(requests.begin(), requests.end(), [&](const ipc::StartRequest& request) {
        return !request.app && !is_refused(static_cast<std::size_t>(&request - requests.data()));
      });
  if (existing != requests.end() && (has_settings(options) || policy.any()))
    invocation.warn("note: '" + existing->targets.front() +
                    "' exists already; options and arguments are for new apps only");
  else if (reply->note.empty() && (has_settings(options) || policy.any()) &&
           std::any_of(reply->outcomes.begin(), reply->outcomes.end(),
                       [](const auto& outcome) { return outcome.already_running; }))
    invocation.warn("note: options do not change what runs already; for its number: roost scale");
  return report_start(invocation, *reply, options.no_wait ? "starting" : "started");
}

}  // namespace roost::cli
