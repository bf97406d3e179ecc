#include "cli/lock_file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace roost::cli {

Result<UniqueFd> try_lock(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return errno_error("open '" + path + "'", errno);
  if (::fchmod(file.get(), 0600) != 0) return errno_error("chmod '" + path + "'", errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno == EWOULDBLOCK) return UniqueFd{};
  return errno_error("lock '" + path + "'", errno);
}

}  // namespace roost::cli
