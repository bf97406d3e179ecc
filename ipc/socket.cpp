#include "ipc/socket.h"

#include <cerrno>
#include <cstddef>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace roost::ipc {
namespace {

// An address that the kernel takes, and what must stay open as long as it is used.
struct Address {
  sockaddr_un address{};
  UniqueFd directory;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

std::string quoted(const std::string& path) {
  return "socket '" + path + "'";
}

Result<Address> make_address(const std::string& path) {
  Address result;
  result.address.sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof result.address.sun_path) {
    const std::size_t slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    result.directory = UniqueFd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!result.directory) return errno_error(quoted(path), errno);
    name = "/proc/self/fd/" + std::to_string(result.directory.get()) + "/" + path.substr(slash + 1);
  }
  if (name.size() >= sizeof result.address.sun_path)
    return Error{Errc::invalid, quoted(path) + ": name too long", {}};
  std::memcpy(result.address.sun_path, name.c_str(), name.size() + 1);
  return result;
}

Result<UniqueFd> make_socket(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error(quoted(path), errno);
  return fd;
}

int try_connect(int fd, const Address& address) {
  while (::connect(fd, address.get(), sizeof address.address) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

// Removes what is in the way of bind, if that is allowed. Success: the name is free (as far as one
// can know).
Status clear_name(const std::string& path, const Address& address, const ListenOptions& options) {
  struct stat info {};

  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return ok();
    return errno_error(quoted(path), errno);
  }
  if (!S_ISSOCK(info.st_mode))
    return Error{Errc::conflict, "'" + path + "' is there and is no socket", "move it away"};
  Result<UniqueFd> probe = make_socket(path);
  if (!probe) return std::move(probe).error();
  const int why = try_connect(probe->get(), address);
  if (why == 0 || why == EAGAIN)
    return Error{Errc::exists, quoted(path) + ": someone listens there", {}};
  if (why != ECONNREFUSED) return errno_error(quoted(path), why);
  if (!options.replace_stale)
    return Error{Errc::conflict, quoted(path) + ": left behind, nobody listens there", {}};
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return errno_error("remove " + quoted(path), errno);
  return ok();
}

}  // namespace

Result<UniqueFd> connect_unix(const std::string& path) {
  Result<Address> address = make_address(path);
  if (!address && address.error().code == Errc::not_found)
    return Error{Errc::unavailable, address.error().message, {}};
  if (!address) return std::move(address).error();
  Result<UniqueFd> fd = make_socket(path);
  if (!fd) return fd;
  const int why = try_connect(fd->get(), *address);
  if (why == 0) return fd;
  Error error = errno_error(quoted(path), why);
  if (why == ENOENT || why == ECONNREFUSED) error.code = Errc::unavailable;
  if (why == EAGAIN) error.code = Errc::timeout;
  return error;
}

Result<UniqueFd> listen_unix(const std::string& path, const ListenOptions& options) {
  Result<Address> address = make_address(path);
  if (!address) return std::move(address).error();
  if (Status cleared = clear_name(path, *address, options); !cleared)
    return std::move(cleared).error();
  Result<UniqueFd> fd = make_socket(path);
  if (!fd) return fd;
  // The file takes the mode of the socket's own inode, so it is never wider than this; no umask is
  // touched, which other threads would see. One bit the umask may take away: then it is put back.
  if (::fchmod(fd->get(), 0600) != 0) return errno_error(quoted(path), errno);
  if (::bind(fd->get(), address->get(), sizeof address->address) != 0) {
    Error error = errno_error("bind " + quoted(path), errno);
    if (errno == EADDRINUSE) error.code = Errc::exists;
    return error;
  }
  if (::chmod(path.c_str(), 0600) != 0) return errno_error("chmod " + quoted(path), errno);
  if (::listen(fd->get(), options.backlog) != 0)
    return errno_error("listen on " + quoted(path), errno);
  return fd;
}

Result<UniqueFd> accept_unix(int listener) {
  for (;;) {
    UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) return fd;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return UniqueFd();
    return errno_error("accept a connection", errno);
  }
}

Result<PeerCredentials> peer_credentials(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return errno_error("who is the peer", errno);
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

}  // namespace roost::ipc
