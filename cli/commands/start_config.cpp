#include "cli/commands/start_config.h"

#include <unistd.h>

#include "cli/commands/start_report.h"
#include "cli/file_system.h"
#include "cli/interrupt.h"
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

}  // namespace

ExitCode start_config(Invocation& invocation, const StartOptions& options, ConfigWishes wishes) {
  const auto directory = working_directory();
  if (!directory) return invocation.fail(directory.error());
  sort_env(options.env, wishes);
  split_commas(wishes.only);
  auto loaded =
      load_apps(options.targets.front(), wishes, inherited_environment(environ), *directory);
  if (!loaded) return invocation.fail(loaded.error());
  for (const std::string& remark : loaded->remarks)
    invocation.warn("note: " + invocation.safe(remark));
  ipc::ApplyRequest request;
  request.wait = !options.no_wait;
  for (ConfiguredApp& app : loaded->apps)
    request.apps.push_back({std::move(app.spec), app.autostart});
  on_interrupt("\nroost: interrupted; the apps are still being started, see `roost list`\n");
  const auto reply = call(ipc::kApply, request);
  if (!reply) return invocation.fail(reply.error());
  return report_start(invocation, *reply, options.no_wait ? "starting" : "started");
}

}  // namespace roost::cli
