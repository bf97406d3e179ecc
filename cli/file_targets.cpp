#include "cli/file_targets.h"

#include <algorithm>
#include <set>

#include <unistd.h>

#include "cli/config_file.h"
#include "cli/file_system.h"
#include "cli/session.h"
#include "ipc/methods.h"

namespace roost::cli {

Result<std::vector<std::string>> expand_targets(Invocation& invocation,
                                                const std::vector<std::string>& words) {
  if (std::none_of(words.begin(), words.end(), is_config_file)) return words;
  const auto directory = working_directory();
  if (!directory) return directory.error();
  const auto list = call(ipc::kList, {});
  if (!list) return list.error();
  std::set<std::string> there;
  for (const auto& instance : list->instances)
    there.insert(instance.name);
  std::vector<std::string> targets;
  for (const std::string& word : words) {
    if (!is_config_file(word)) {
      targets.push_back(word);
      continue;
    }
    auto loaded = load_apps(word, {}, inherited_environment(environ), *directory);
    if (!loaded) return std::move(loaded).error();
    const std::size_t before = targets.size();
    std::string missing;
    for (const ConfiguredApp& app : loaded->apps)
      if (there.contains(app.spec.name))
        targets.push_back(app.spec.name);
      else
        missing += (missing.empty() ? "" : ", ") + app.spec.name;
    if (targets.size() == before)
      return Error{Errc::not_found, "no app of '" + word + "' is there",
                   "`roost list` shows what is"};
    if (!missing.empty()) invocation.warn("note: of '" + word + "' not there: " + missing);
  }
  return targets;
}

}  // namespace roost::cli
