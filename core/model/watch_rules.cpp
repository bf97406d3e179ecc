#include "core/model/watch_rules.h"

#include <algorithm>
#include <span>

#include "core/model/selector.h"

namespace roost::model {
namespace {

constexpr std::string_view kUsual[] = {
    ".*",  "node_modules/", "logs/", "*.log", "*.log.*",      "*.pid", "*~",
    "#*#", "*.swp",         "*.swx", "4913",  "__pycache__/", "*.pyc", "core.[0-9]*"};

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const auto size = std::min(path.find('/'), path.size());
    if (size > 0) parts.emplace_back(path.substr(0, size));
    path.remove_prefix(std::min(size + 1, path.size()));
  }
  return parts;
}

// "**" stands for any number of parts, anything else for one. As with the stars of a glob, only the
// last "**" needs to be tried again.
bool parts_fit(std::span<const std::string> pattern, std::span<const std::string> path) {
  std::size_t p = 0;
  std::size_t at = 0;
  std::size_t star = pattern.size();
  std::size_t star_at = 0;
  while (at < path.size()) {
    if (p < pattern.size() && pattern[p] == "**") {
      star = p++;
      star_at = at;
    } else if (p < pattern.size() && glob_match(pattern[p], path[at])) {
      ++p;
      ++at;
    } else if (star < pattern.size()) {
      p = star + 1;
      at = ++star_at;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == "**")  // "dir/**": the directory need not be entered
    ++p;
  return p == pattern.size();
}

}  // namespace

WatchRules WatchRules::usual() {
  WatchRules rules;
  for (std::string_view pattern : kUsual)
    rules.add(pattern);
  return rules;
}

void WatchRules::add(std::string_view text, std::string_view root) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  Pattern pattern;
  if (text.starts_with('!')) {
    pattern.counts = true;
    text.remove_prefix(1);
  }
  if (!root.empty() && text.starts_with(root) && text.size() > root.size() &&
      text[root.size()] == '/') {
    text.remove_prefix(root.size());
  } else if (text.starts_with("./")) {
    text.remove_prefix(1);
  }
  if (text.ends_with('/')) {
    pattern.directories_only = true;
    text.remove_suffix(1);
  }
  if (text.empty() || text == "/") return;
  pattern.anchored = text.find('/') != std::string_view::npos;
  pattern.parts = parts_of(text);
  patterns_.push_back(std::move(pattern));
}

void WatchRules::add_lines(std::string_view text) {
  while (!text.empty()) {
    const auto size = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, size);
    if (!line.starts_with('#')) add(line.starts_with("\\") ? line.substr(1) : line);
    text.remove_prefix(std::min(size + 1, text.size()));
  }
}

bool WatchRules::fits(const Pattern& pattern, std::string_view path) {
  if (!pattern.anchored) return glob_match(pattern.parts.front(), path.substr(path.rfind('/') + 1));
  return parts_fit(pattern.parts, parts_of(path));
}

bool WatchRules::ignores(std::string_view path, bool directory) const {
  for (auto pattern = patterns_.rbegin(); pattern != patterns_.rend(); ++pattern) {
    if (pattern->directories_only && !directory) continue;
    if (fits(*pattern, path)) return !pattern->counts;
  }
  return false;
}

}  // namespace roost::model
