// The pure parts of app_builder.h: names, words, numbers.
#include <algorithm>

#include <fmt/format.h>

#include "cli/app_builder.h"
#include "cli/output/units.h"
#include "core/model/limits.h"

namespace roost::cli {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.:@+").find(c) != std::string_view::npos;
}

bool is_assignment(std::string_view word) {
  const auto equals = word.find('=');
  return equals != word.npos && equals > 0 && word.substr(0, equals).find('/') == word.npos;
}

std::string_view last_part(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/'))
    path.remove_suffix(1);
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

std::string make_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const char safe = is_name_char(c) ? c : '-';
    // A dash in front would look like an option; two in a row say nothing.
    if (safe == '-' && (name.empty() || name.back() == '-')) continue;
    name += safe;
  }
  while (name.ends_with('-'))
    name.pop_back();
  const bool only_digits = name.find_first_not_of("0123456789") == std::string::npos;
  if (name == "all" || (only_digits && !name.empty())) name.insert(0, "app-");
  if (name.empty()) name = "app";
  name.resize(std::min(name.size(), model::limits::kMaxNameBytes));
  return name;
}

std::string default_name(std::string_view path) {
  const auto file = last_part(path);
  const auto dot = file.rfind('.');
  return make_name(dot == file.npos || dot == 0 ? file : file.substr(0, dot));
}

std::string default_shell_name(std::string_view line) {
  for (const auto& word : split_words(line))
    if (!is_assignment(word) && word != "exec") return make_name(last_part(word));
  return make_name({});
}

Result<std::uint32_t> parse_instances(std::string_view text, std::uint32_t processors) {
  constexpr auto kMost = model::limits::kMaxInstancesPerApp;
  if (text == "max" || text == "0") return processors;
  const bool negative = text.starts_with('-');
  const auto number = parse_count(negative ? text.substr(1) : text, 1, kMost);
  if (!number)
    return Error{Errc::invalid, fmt::format("'{}' is not a number of instances", text),
                 fmt::format("write 1 to {}, or max for one per processor", kMost)};
  if (!negative) return *number;
  return processors > *number ? processors - *number : 1;
}

}  // namespace roost::cli
