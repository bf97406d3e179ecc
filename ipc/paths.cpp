#include "ipc/paths.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdlib>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/model/limits.h"

namespace roost::ipc {
namespace {

Result<std::string> absolute(std::string_view path) {
  std::string text(path);
  if (text.front() != '/') {
    std::array<char, PATH_MAX> directory;
    if (::getcwd(directory.data(), directory.size()) == nullptr)
      return errno_error("working directory", errno);
    text = std::string(directory.data()) + "/" + text;
  }
  while (text.size() > 1 && text.back() == '/')
    text.pop_back();
  return text;
}

// Besides what a home is made with.
bool has_other_things(const std::string& directory) {
  DIR* dir = ::opendir(directory.c_str());
  if (dir == nullptr) return false;  // what comes next tells why
  bool found = false;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string_view name = entry->d_name;
    found = found || (name != "." && name != ".." && name != "logs");
  }
  ::closedir(dir);
  return found;
}

}  // namespace

// A directory that others may write would let them choose what we run.
Status check_private(const std::string& path) {
  struct stat info {};

  if (::stat(path.c_str(), &info) != 0) return errno_error("look at '" + path + "'", errno);
  if (info.st_uid != ::geteuid())
    return Error{Errc::denied,
                 "'" + path + "' belongs to uid " + std::to_string(info.st_uid) +
                     ", not to you (uid " + std::to_string(::geteuid()) + ")",
                 "set ROOST_HOME to a directory of your own"};
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return Error{Errc::denied, "'" + path + "' may be written by others",
                 "chmod 700 '" + path + "'"};
  if ((info.st_mode & 07777) != 0700 && ::chmod(path.c_str(), 0700) != 0)
    return errno_error("chmod '" + path + "'", errno);
  return ok();
}

Result<Paths> paths_for_home(std::string_view home) {
  if (home.empty()) return Error{Errc::invalid, "empty home directory", "set ROOST_HOME"};
  Result<std::string> path = absolute(home);
  if (!path) return std::move(path).error();
  constexpr std::size_t kMost = model::limits::kMaxHomeBytes;
  if (path->size() > kMost)
    return Error{Errc::invalid,
                 "the path of the home has " + std::to_string(path->size()) + " bytes, more than " +
                     std::to_string(kMost),
                 "set ROOST_HOME to a shorter one"};
  return Paths{*path, *path, *path, *path + "/logs"};
}

Result<Paths> paths_from_environment() {
  if (const char* home = std::getenv("ROOST_HOME"); home != nullptr && *home != '\0') {
    if (*home == '/') return paths_for_home(home);
    return Error{Errc::invalid,
                 "ROOST_HOME '" + std::string(home) +
                     "' is relative: it would be another roost in each directory",
                 "make it absolute"};
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return paths_for_home(std::string(home) + "/.roost");
  return Error{Errc::invalid,
               "neither ROOST_HOME nor HOME is set for uid " + std::to_string(::getuid()),
               "set ROOST_HOME to the directory where roost keeps its things"};
}

namespace {

// Closing a directory that others use too ("/", a project, a user's home) would lock them out.
Status check_own(const Paths& paths) {
  struct stat info {};

  const bool theirs = ::stat(paths.home.c_str(), &info) != 0 || info.st_uid != ::geteuid() ||
                      (info.st_mode & (S_IWGRP | S_IWOTH)) != 0;  // check_private tells
  if (theirs || (info.st_mode & 07777) == 0700 ||
      ::access(paths.lock().c_str(), F_OK) == 0 || !has_other_things(paths.home))
    return ok();
  return Error{Errc::denied,
               "'" + paths.home + "' is no directory of roost: others may look into it, and it holds other things",
               "set ROOST_HOME to a directory of its own, or make this one yours alone: chmod 700 '" +
                   paths.home + "'"};
}
}  // namespace

Status ensure_home(const Paths& paths) {
  if (Status own = check_own(paths); !own) return own;
  for (const std::string* directory :
       {&paths.home, &paths.state_dir, &paths.runtime_dir, &paths.log_dir}) {
    if (Status made = make_dirs(*directory, 0700); !made) return made;
    if (Status checked = check_private(*directory); !checked) return checked;
  }
  return ok();
}

int read_pid_file(const std::string& path) {
  const Result<std::string> text = read_file(path, 64);
  int pid = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), pid).ec != std::errc() ||
      pid < 0)
    return 0;
  return pid;
}

}  // namespace roost::ipc
