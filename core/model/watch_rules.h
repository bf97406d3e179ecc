// WatchRules: which files of a watched directory count. Patterns as in .gitignore, the last one
// that fits decides: "node_modules", "*.log", "/build/", "data/**", "!important.log". Pure: paths
// are relative to the watched directory, with '/' between their parts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace roost::model {

class WatchRules {
 public:
  // Hidden files, node_modules, logs, pid files and editors' leftovers.
  [[nodiscard]] static WatchRules usual();

  // One pattern; a text that is none (empty, a comment) adds nothing. `root`: what an absolute
  // pattern is seen from.
  void add(std::string_view pattern, std::string_view root = {});
  // Every line of a .gitignore.
  void add_lines(std::string_view text);

  // Whether the path counts not. What lies in a directory that does not count is never asked about.
  [[nodiscard]] bool ignores(std::string_view path, bool directory) const;

 private:
  struct Pattern {
    std::vector<std::string> parts;
    bool anchored = false;  // else it fits at any depth
    bool directories_only = false;
    bool counts = false;  // begins with '!'
  };

  [[nodiscard]] static bool fits(const Pattern& pattern, std::string_view path);

  std::vector<Pattern> patterns_;
};

}  // namespace roost::model
