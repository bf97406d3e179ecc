#include "daemon/policies/watch_scope.h"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <sys/inotify.h>
#include <sys/stat.h>

#include "core/base/fs.h"
#include "core/base/unique_dir.h"
#include "core/model/limits.h"

namespace roost::daemon {
namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
                                  IN_EXCL_UNLINK;
constexpr int kDeepest = 128;  // directories within directories

bool is_below(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

// Others would hold the thread up, as a FIFO does.
bool is_plain_file(const std::string& path) {
  struct stat st {};

  return ::stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode);
}

std::string limit_of(const char* name) {
  const auto text = read_file(std::string("/proc/sys/fs/inotify/") + name, 64);
  return text ? text->substr(0, text->find('\n')) : "?";
}

// Adds a watch, then looks for directories: one that is made in between is seen either way.
class Scanner {
 public:
  Scanner(int inotify, const WatchScope& scope, std::size_t most, WatchScan& out)
      : inotify_(inotify), scope_(scope), most_(most), out_(out) {}

  void walk(const std::string& directory, int depth = 0) {
    if (!add(directory) || !scope_.only.empty() || depth > kDeepest) return;
    const UniqueDir dir(::opendir(directory.c_str()));
    if (!dir) return;  // gone again, or not ours to read
    std::vector<std::string> below;
    while (const dirent* entry = ::readdir(dir.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      std::string path = directory + "/" + entry->d_name;
      if (is_directory(*entry, path) && !scope_.ignores(path, true))
        below.push_back(std::move(path));
    }
    for (const std::string& path : below)
      walk(path, depth + 1);
  }

 private:
  // Links are not followed: they may lead round in a circle.
  static bool is_directory(const dirent& entry, const std::string& path) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;

    struct stat st {};

    return ::lstat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
  }

  bool add(const std::string& directory) {
    if (full_) return false;
    if (out_.directories.size() >= most_)
      return fill("more than " + std::to_string(model::limits::kMaxWatchedDirectories) +
                  " directories are not watched: leave some out with ignore_watch");
    const int number = ::inotify_add_watch(inotify_, directory.c_str(), kEvents);
    if (number >= 0) {
      out_.directories.push_back({number, directory});
      return true;
    }
    if (errno == ENOSPC)
      return fill("the limit of watched directories (fs.inotify.max_user_watches, " +
                  limit_of("max_user_watches") +
                  ") is reached, changes in the others are not seen; raise it: sysctl -w "
                  "fs.inotify.max_user_watches=524288");
    if (errno == ENOMEM) return fill("no memory to watch more directories");
    return false;  // gone again, or not ours to read
  }

  bool fill(std::string problem) {
    full_ = true;
    out_.problem = std::move(problem);
    return false;
  }

  int inotify_;
  const WatchScope& scope_;
  std::size_t most_;
  WatchScan& out_;
  bool full_ = false;
};

}  // namespace

bool WatchScope::ignores(std::string_view path, bool directory) const {
  if (!only.empty()) return name_of(path) != only;
  const auto fits = [&](const std::string& one) { return is_below(path, one); };
  return std::any_of(never.begin(), never.end(), fits) || rules.ignores(name_of(path), directory);
}

std::string_view WatchScope::name_of(std::string_view path) const {
  if (path.size() > root.size() + 1 && is_below(path, root)) return path.substr(root.size() + 1);
  return path;
}

WatchScan begin_watch(int inotify, const WatchOrder& order, std::size_t most) {
  WatchScan scan;

  struct stat st {};

  if (::stat(order.path.c_str(), &st) != 0) {
    scan.problem = errno_error("watch '" + order.path + "'", errno).message;
    return scan;
  }
  auto scope = std::make_shared<WatchScope>();
  scope->root = order.path;
  while (scope->root.size() > 1 && scope->root.back() == '/')
    scope->root.pop_back();
  if (!S_ISDIR(st.st_mode)) {
    const auto slash = scope->root.rfind('/');
    scope->only = scope->root.substr(slash + 1);
    scope->root.resize(std::max<std::size_t>(slash, 1));
  }
  for (const std::string& path : order.never)  // but for what is asked for by name
    if (!is_below(scope->root, path)) scope->never.push_back(path);
  scope->rules = model::WatchRules::usual();
  const std::string ignore = scope->root + "/.gitignore";
  const auto lines = is_plain_file(ignore) ? read_file(ignore, model::limits::kMaxIgnoreBytes)
                                           : Result<std::string>(std::string());
  if (lines)
    scope->rules.add_lines(*lines);
  else if (lines.error().code == Errc::invalid)
    scan.problem = "its .gitignore is too large and is not read";
  for (const std::string& pattern : order.ignore)
    scope->rules.add(pattern, scope->root);
  Scanner(inotify, *scope, most, scan).walk(scope->root);
  scan.scope = std::move(scope);
  return scan;
}

WatchScan extend_watch(int inotify, const ScopePtr& scope, const std::string& directory,
                       std::size_t most) {
  WatchScan scan;
  scan.scope = scope;
  Scanner(inotify, *scope, most, scan).walk(directory);
  return scan;
}

}  // namespace roost::daemon
