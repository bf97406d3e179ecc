#include "cli/file_system.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/suggest.h"
#include "core/base/unique_dir.h"
#include "core/base/unique_fd.h"

namespace roost::cli {
namespace {

constexpr std::size_t kMaxSuggestions = 4096;  // names of one directory that are looked at

bool is_same_place(const char* a, const char* b) {
  struct stat first {};

  struct stat second {};

  return ::stat(a, &first) == 0 && ::stat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool is_program(const std::string& path) {
  return file_kind(path) == FileKind::regular && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

Result<std::string> working_directory() {
  const char* logical = std::getenv("PWD");
  if (logical != nullptr && *logical == '/' && is_same_place(logical, ".")) return {logical};
  std::array<char, PATH_MAX> path{};
  if (::getcwd(path.data(), path.size()) == nullptr)
    return errno_error("the working directory", errno);
  return std::string(path.data());
}

std::string absolute_path(std::string_view path, std::string_view base) {
  const char* home = std::getenv("HOME");
  if ((path == "~" || path.starts_with("~/")) && home != nullptr && *home == '/')
    return absolute_path(std::string(home) + std::string(path.substr(1)), base);
  std::string joined =
      path.starts_with('/') ? std::string(path) : std::string(base) + "/" + std::string(path);
  std::string out;
  for (std::size_t at = 0; at < joined.size();) {
    const auto end = std::min(joined.find('/', at), joined.size());
    const auto part = std::string_view(joined).substr(at, end - at);
    if (part == "..") {
      out.resize(out.empty() ? 0 : out.rfind('/'));
    } else if (!part.empty() && part != ".") {
      out += '/';
      out += part;
    }
    at = end + 1;
  }
  return out.empty() ? "/" : out;
}

FileKind file_kind(const std::string& path) {
  struct stat info {};

  if (::stat(path.c_str(), &info) != 0) return FileKind::absent;
  if (S_ISREG(info.st_mode)) return FileKind::regular;
  return S_ISDIR(info.st_mode) ? FileKind::directory : FileKind::other;
}

Result<ScriptFile> read_script(const std::string& path) {
  // A program may be executable without being readable; its first bytes are then unknown.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const bool executable = ::access(path.c_str(), X_OK) == 0;
  if (!file && !executable) return errno_error("'" + path + "'", errno);
  ScriptFile script{path, executable, std::string(kScriptHeadBytes, '\0')};
  const auto got = file ? ::read(file.get(), script.head.data(), script.head.size()) : -1;
  if (file && got < 0) return errno_error("read '" + path + "'", errno);
  if (file) script.head.resize(static_cast<std::size_t>(got));
  return script;
}

std::optional<std::string> find_program(std::string_view name, const std::string& base) {
  if (name.find('/') != name.npos) {
    auto path = absolute_path(name, base);
    return is_program(path) ? std::optional(std::move(path)) : std::nullopt;
  }
  const char* variable = std::getenv("PATH");
  std::string_view path = variable == nullptr ? "/usr/local/bin:/usr/bin:/bin" : variable;
  while (true) {
    const auto size = std::min(path.find(':'), path.size());
    const auto directory = absolute_path(path.substr(0, size), base);
    auto candidate = directory + "/" + std::string(name);
    if (is_program(candidate)) return candidate;
    if (size == path.size()) return std::nullopt;
    path.remove_prefix(size + 1);
  }
}

std::string suggest_file(const std::string& path) {
  const UniqueDir directory(::opendir(parent_of(path).c_str()));
  if (directory == nullptr) return {};
  std::vector<std::string> names;
  while (names.size() < kMaxSuggestions) {
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto word = std::string_view(path).substr(path.rfind('/') + 1);
  if (std::find(names.begin(), names.end(), word) != names.end()) return {};  // it is there
  return did_you_mean(word, known);
}

}  // namespace roost::cli
