#include "core/base/fs.h"

#include <array>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/unique_fd.h"

namespace roost {
namespace {

std::string quoted(std::string_view what, const std::string& path) {
  return std::string(what) + " '" + path + "'";
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status fill(int fd, std::string_view content, mode_t mode, const std::string& path) {
  if (::fchmod(fd, mode) != 0) return errno_error(quoted("chmod", path), errno);
  if (Status written = write_all(fd, content); !written)
    return std::move(written).error().context(quoted("write", path));
  if (::fsync(fd) != 0) return errno_error(quoted("fsync", path), errno);
  return ok();
}

Status sync_directory(const std::string& path) {
  const UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return errno_error(quoted("fsync", path), errno);
  return ok();
}

Status make_dir(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), 0700) == 0) {
    if (::chmod(path.c_str(), mode) == 0) return ok();
    return errno_error(quoted("chmod", path), errno);
  }
  const int why = errno;

  struct stat info {};

  if (why != EEXIST) return errno_error(quoted("make directory", path), why);
  if (::stat(path.c_str(), &info) != 0) return errno_error(quoted("look at", path), errno);
  if (!S_ISDIR(info.st_mode))
    return Error{Errc::exists, "'" + path + "' is there and is no directory", {}};
  return ok();
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return errno_error(quoted("open", path), errno);
  std::string content;
  std::array<char, 16384> block;
  for (;;) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got == 0) return content;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(quoted("read", path), errno);
    content.append(block.data(), static_cast<std::size_t>(got));
    if (content.size() > limit)
      return Error{
          Errc::invalid, "'" + path + "' is larger than " + std::to_string(limit) + " bytes", {}};
  }
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error("write", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ok();
}

Status write_file_atomic(const std::string& path, std::string_view content, mode_t mode) {
  std::string temporary = path + ".XXXXXX";
  const UniqueFd file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) return errno_error(quoted("make a temporary file beside", path), errno);
  Status done = fill(file.get(), content, mode, temporary);
  if (done && ::rename(temporary.c_str(), path.c_str()) != 0)
    done = errno_error(quoted("replace", path), errno);
  if (!done) {
    (void)::unlink(temporary.c_str());  // the first problem is the one to tell
    return done;
  }
  return sync_directory(parent_of(path));
}

Status make_dirs(const std::string& path, mode_t mode) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1))
    if (Status made = make_dir(path.substr(0, slash), mode); !made) return made;
  if (path.empty() || path.back() == '/') return ok();
  return make_dir(path, mode);
}

}  // namespace roost
