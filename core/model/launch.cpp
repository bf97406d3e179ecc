#include "core/model/launch.h"

#include <array>
#include <utility>

namespace roost::model {
namespace {

constexpr std::array<std::pair<std::string_view, SecretKind>, 3> kKinds{
    {{"file:", SecretKind::file},
     {"cmd:", SecretKind::command},
     {"systemd-credential:", SecretKind::credential}}};

}  // namespace

Result<SecretSource> parse_secret_source(std::string_view text) {
  for (const auto& [begin, kind] : kKinds) {
    if (!text.starts_with(begin)) continue;
    const std::string_view what = text.substr(begin.size());
    if (what.empty() || what.find('\0') != std::string_view::npos)
      return Error{Errc::invalid, "names nothing behind " + std::string(begin), {}};
    const bool is_path = what.find('/') != std::string_view::npos || what == "." || what == "..";
    if (kind == SecretKind::credential && is_path)
      return Error{Errc::invalid, "names a credential that is no plain name", {}};
    return SecretSource{kind, std::string(what)};
  }
  return Error{Errc::invalid, "must be file:PATH, cmd:SHELL LINE or systemd-credential:NAME", {}};
}

std::vector<std::string> with_launcher(const AppSpec& spec, const std::string& program,
                                       const std::string& credentials,
                                       std::vector<std::string> argv) {
  if (spec.env_from.empty()) return argv;
  std::vector<std::string> words{program, "launch", credentials,
                                 std::to_string(spec.env_from.size())};
  for (const auto& [name, source] : spec.env_from)
    words.push_back(name + "=" + source);
  words.insert(words.end(), std::make_move_iterator(argv.begin()),
               std::make_move_iterator(argv.end()));
  return words;
}

}  // namespace roost::model
