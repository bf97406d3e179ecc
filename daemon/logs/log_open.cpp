#include "daemon/logs/log_open.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/base/kill_point.h"
#include "daemon/logs/fs_identity.h"

namespace roost::daemon {
namespace {
// O_NONBLOCK: a FIFO without reader must not hang the thread.
constexpr int kFlags = O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirMode = 0700;
constexpr gid_t kNoGroup = 65534;

// Makes the directories of `path`; what exists is left alone.
void make_parents(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1))
    (void)::mkdir(path.substr(0, slash).c_str(),
                  kDirMode);  // the open that follows tells what is wrong
}

bool is_dev_null(const struct stat& st) {
  return S_ISCHR(st.st_mode) && st.st_rdev == ::makedev(1, 3);
}

int why_refused(const struct stat& st) {
  if (!S_ISREG(st.st_mode)) return EINVAL;
  return st.st_nlink > 1 ? EMLINK : 0;
}

OpenedLog failed(int errnum) {
  OpenedLog result;
  result.errnum = errnum;
  return result;
}
}  // namespace

std::optional<FileOwner> owner_of_way(const std::string& path) {
  if (::geteuid() != 0) return std::nullopt;
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    struct stat st {};

    if (::lstat(path.substr(0, slash).c_str(), &st) != 0) return std::nullopt;
    // A link of theirs counts as a directory of theirs. Root's group is nobody's right.
    if (st.st_uid != 0) return FileOwner{st.st_uid, st.st_gid != 0 ? st.st_gid : kNoGroup};
  }
  return std::nullopt;
}

OpenedLog open_log(const LogTarget& target) {
  kill_point("pump.before_open");
  const FsIdentity identity(target.owner);
  const bool null_by_name = target.path == "/dev/null";
  const int flags = O_WRONLY | (null_by_name ? O_CLOEXEC : kFlags);
  OpenedLog log;
  log.fd.reset(::open(target.path.c_str(), flags, kFileMode));
  if (!log.fd && errno == ENOENT) {
    make_parents(target.path);
    log.fd.reset(::open(target.path.c_str(), flags, kFileMode));
  }
  if (!log.fd) return failed(errno);

  struct stat st {};

  if (::fstat(log.fd.get(), &st) != 0) return failed(errno);
  log.discards = is_dev_null(st);
  if (const int refused = log.discards ? 0 : why_refused(st); refused != 0) return failed(refused);
  log.id = file_id(st);
  log.size = static_cast<std::uint64_t>(st.st_size);
  log.modified_ns = st.st_mtim.tv_sec * 1'000'000'000LL + st.st_mtim.tv_nsec;
  kill_point("pump.opened");
  return log;
}

int empty_log(const LogTarget& target, std::uint64_t& bytes) {
  bytes = 0;
  if (target.path == "/dev/null") return 0;
  const FsIdentity identity(target.owner);
  const UniqueFd fd(::open(target.path.c_str(), O_WRONLY | (kFlags & ~O_CREAT)));

  struct stat st {};

  if (!fd || ::fstat(fd.get(), &st) != 0) return errno;
  if (const int refused = why_refused(st); refused != 0) return refused;
  bytes = static_cast<std::uint64_t>(st.st_size);
  return st.st_size == 0 || ::ftruncate(fd.get(), 0) == 0 ? 0 : errno;
}

UniqueFd open_beside_log(const std::string& path, bool truncate) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | kFlags, kFileMode));

  struct stat st {};

  if (!fd || ::fstat(fd.get(), &st) != 0 || why_refused(st) != 0) return UniqueFd();
  if (truncate && st.st_size != 0 && ::ftruncate(fd.get(), 0) != 0) return UniqueFd();
  return fd;
}

bool is_full(int errnum) {
  return errnum == ENOSPC || errnum == EDQUOT;
}

bool is_refusal(int errnum) {
  switch (errnum) {
    case EACCES:
    case EPERM:
    case ELOOP:
    case EMLINK:
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EINVAL:
    case ENXIO:
    case ENODEV:
    case ETXTBSY:
    case ENAMETOOLONG:
      return true;
    default:
      return false;
  }
}

}  // namespace roost::daemon
