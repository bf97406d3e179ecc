#include "cli/commands/start_config.h"

#include <algorithm>

#include <unistd.h>

#include "cli/commands/start_report.h"
#include "cli/commands/stop_report.h"
#include "cli/drift.h"
#include "cli/file_system.h"
#include "cli/interrupt.h"
#include "cli/output/plan_view.h"
#include "cli/session.h"

namespace roost::cli {
namespace {

// "NAME=VALUE" is a setting; a NAME alone names the file's env_NAME.
void sort_env(const std::vector<std::string>& words, ConfigWishes& wishes) {
  for (const std::string& word : words) {
    if (word.find('=') != std::string::npos)
      wishes.settings.push_back(word);
    else
      wishes.env_name = word;
  }
}

// "a,b" is two, as with PM2.
void split_commas(std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (std::string_view rest : names)
    while (!rest.empty()) {
      const auto size = std::min(rest.find(','), rest.size());
      if (size > 0) out.emplace_back(rest.substr(0, size));
      rest.remove_prefix(std::min(size + 1, rest.size()));
    }
  names = std::move(out);
}

Result<ipc::ApplyRequest> make_request(Invocation& invocation, const std::string& word,
                                       const ApplyOptions& options) {
  const auto directory = working_directory();
  if (!directory) return directory.error();
  auto loaded = load_apps(word, options.wishes, inherited_environment(environ), *directory);
  if (!loaded) return std::move(loaded).error();
  for (const std::string& remark : loaded->remarks)
    invocation.warn("note: " + invocation.safe(remark));
  ipc::ApplyRequest request;
  request.wait = !options.no_wait;
  request.command = invocation.command_line();
  request.file = word == "-" ? "" : absolute_path(word, *directory);
  if (word != "-") request.stamp = stamp_of(request.file);
  request.partial = !options.wishes.only.empty();
  request.prune = options.prune;
  request.dry_run = options.dry_run;
  for (ConfiguredApp& app : loaded->apps)
    request.apps.push_back({std::move(app.spec), app.autostart});
  return request;
}

bool has_work(const ipc::StartReply& reply) {
  return std::any_of(reply.plan.begin(), reply.plan.end(), [](const ipc::PlanItem& item) {
    return item.action != ipc::PlanAction::same && item.action != ipc::PlanAction::gone;
  });
}

ExitCode report(Invocation& invocation, const ApplyOptions& options, const ipc::StartReply& reply) {
  for (const std::string& line : plan_lines(reply.plan, invocation.terminal()))
    invocation.say(line);
  ExitCode code = ExitCode::ok;
  if (!options.dry_run) {
    if (!invocation.options.json)
      for (const std::string& line : stop_lines({reply.removed}, "deleted"))
        invocation.say(line);
    code = report_start(invocation, reply, options.no_wait ? "starting" : "started");
  } else if (invocation.options.json) {
    invocation.show_json(reply);
  }
  if (code != ExitCode::ok || !options.detailed) return code;
  return has_work(reply) ? ExitCode::changes : ExitCode::ok;
}

}  // namespace

void declare_apply(ArgParser& parser, ApplyOptions& options) {
  parser.words("a file of apps", options.words, {.most = 1});
  parser.list("--only", "NAME", options.wishes.only, "only this app; may be repeated");
  parser.list("--env", "NAME|NAME=VALUE", options.env,
              "the file's env_NAME, or a variable over all of the file's");
  parser.list("--pass-env", "NAME|all", options.wishes.pass_env,
              "a variable of this shell that the apps get as well");
  parser.flag("--prune", options.prune,
              "delete apps that came from this file and are gone from it");
  parser.flag("--detailed-exitcode", options.detailed,
              "status 7 when there is something to do, else 0");
}

Result<std::string> config_word(const std::vector<std::string>& words) {
  const std::string hint = "files of apps: *.toml, *.yaml, *.json, *.config.js, -";
  if (!words.empty() && is_config_file(words.front())) return words.front();
  if (!words.empty())
    return Error{Errc::invalid, "'" + words.front() + "' is no file of apps", hint};
  const auto directory = working_directory();
  if (!directory) return directory.error();
  if (const auto found = find_config_file(*directory)) return *found;
  return Error{Errc::not_found, "there is no file of apps in '" + *directory + "'",
               "roost init writes a roost.toml; or name a file"};
}

ExitCode apply_config(Invocation& invocation, ApplyOptions options) {
  const auto word = config_word(options.words);
  if (!word) return invocation.fail(word.error());
  sort_env(options.env, options.wishes);
  split_commas(options.wishes.only);
  if (options.prune && (*word == "-" || !options.wishes.only.empty()))
    return invocation.fail(
        {Errc::invalid, "--prune needs the whole file", "it goes neither with --only nor with -"});
  const auto request = make_request(invocation, *word, options);
  if (!request) return invocation.fail(request.error());
  if (!options.dry_run)
    on_interrupt("\nroost: interrupted; the apps are still being started, see `roost list`\n",
                 invocation.options);
  const auto reply = call(ipc::kApply, *request);
  if (!reply) return invocation.fail(reply.error());
  return report(invocation, options, *reply);
}

}  // namespace roost::cli
