#include "cli/pass_env.h"

#include <algorithm>
#include <array>

#include "core/model/app_spec.h"

namespace roost::cli {
namespace {

constexpr std::array<std::string_view, 10> kNames{"PATH", "HOME", "USER",     "LOGNAME", "SHELL",
                                                  "LANG", "TERM", "LANGUAGE", "TZ",      "TMPDIR"};
constexpr std::string_view kLocale = "LC_";
constexpr std::array<std::string_view, 13> kLocaleNames{
    "LC_ADDRESS",     "LC_ALL",       "LC_COLLATE",  "LC_CTYPE", "LC_IDENTIFICATION",
    "LC_MEASUREMENT", "LC_MESSAGES",  "LC_MONETARY", "LC_NAME",  "LC_NUMERIC",
    "LC_PAPER",       "LC_TELEPHONE", "LC_TIME"};
constexpr std::array<std::string_view, 3> kBeginnings{kLocale, "NODE_", "PYTHON"};

constexpr std::array<std::string_view, 2> kWantedNames{"PORT", "HOST"};
constexpr std::array<std::string_view, 4> kWantedEndings{"_URL", "_URI", "_PORT", "_HOST"};
constexpr std::string_view kWantedBeginning = "DATABASE";

template <class List>
bool is_one_of(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// "NAME=…" at the beginning of a line, "export " before it or not.
bool is_named_in(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.starts_with("export ")) line.remove_prefix(7);
    if (line.starts_with(name) && line.substr(name.size()).starts_with('=')) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

bool is_set_by(const std::vector<std::string>& settings, const std::string& name) {
  return std::any_of(settings.begin(), settings.end(),
                     [&](const std::string& setting) { return setting.starts_with(name + "="); });
}

bool looks_wanted(std::string_view name) {
  return is_one_of(kWantedNames, name) || name.starts_with(kWantedBeginning) ||
         std::any_of(kWantedEndings.begin(), kWantedEndings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

}  // namespace

Environment passed_environment(const Environment& environment,
                               const std::vector<std::string>& more) {
  if (is_one_of(more, "all")) return environment;
  Environment passed;
  for (const auto& [name, value] : environment) {
    const bool begins =
        std::any_of(kBeginnings.begin(), kBeginnings.end(),
                    [&](std::string_view beginning) { return name.starts_with(beginning); });
    if (begins || is_one_of(kNames, name) || is_one_of(more, name)) passed.emplace(name, value);
  }
  return passed;
}

std::vector<std::string> variables_of_session(const Environment& environment,
                                              const std::vector<std::string>& more,
                                              const config::EnvFilter& filter,
                                              const std::vector<std::string>& settings) {
  if (is_one_of(more, "all")) return {};
  Environment left;
  for (const std::string_view name : kNames)
    left.emplace(name, "");
  for (const std::string_view name : kLocaleNames)
    left.emplace(name, "");
  for (const auto& [name, value] : environment)
    if (name.starts_with(kLocale)) left.emplace(name, "");
  const std::size_t all = left.size();
  filter_environment(filter, left);
  std::erase_if(left, [&](const auto& variable) {
    return is_one_of(more, variable.first) || is_set_by(settings, variable.first);
  });
  std::vector<std::string> names;
  for (const auto& [name, value] : left)
    if (!name.starts_with(kLocale) || environment.contains(name)) names.push_back(name);
  if (left.size() == all) names.emplace_back(model::kAllOfLocale);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> missed_variables(const Environment& environment, const Environment& passed,
                                          const std::string& dotenv_text,
                                          const std::vector<std::string>& settings) {
  std::vector<std::string> missed;
  for (const auto& [name, value] : environment) {
    if (!is_set_by(settings, name) && !passed.contains(name) &&
        (looks_wanted(name) || is_named_in(dotenv_text, name)))
      missed.push_back(name);
  }
  return missed;
}

}  // namespace roost::cli
