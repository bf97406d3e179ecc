// Unix sockets by path, of any length: beyond sun_path's 107 bytes the directory is opened and
// named by /proc/self/fd.
#pragma once

#include <string>

#include <sys/types.h>

#include "core/base/result.h"
#include "core/base/unique_fd.h"

namespace roost::ipc {

// A connected stream socket, CLOEXEC and non-blocking. Errc::unavailable: nobody listens there (or
// there is no such socket); Errc::timeout: the listener's backlog is full, try again; Errc::denied.
[[nodiscard]] Result<UniqueFd> connect_unix(const std::string& path);

struct ListenOptions {
  int backlog = 1024;
  // Whether a socket on which nobody listens is removed. Only for a caller that holds the home's
  // lock: else two could remove each other's.
  bool replace_stale = false;
};

// A listening stream socket, CLOEXEC and non-blocking, mode 0600 from its first moment, whatever
// the umask. Errc::exists: someone listens there. Errc::conflict: a file that is no socket, or a
// stale socket that may not be replaced.
[[nodiscard]] Result<UniqueFd> listen_unix(const std::string& path, const ListenOptions& options);

// An accepted connection, CLOEXEC and non-blocking; an empty descriptor when nobody waits.
[[nodiscard]] Result<UniqueFd> accept_unix(int listener);

struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

// Of the process that connected (or, seen from the client, that called listen).
[[nodiscard]] Result<PeerCredentials> peer_credentials(int fd);

}  // namespace roost::ipc
