#include "daemon/process/notify_socket.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/kill_point.h"
#include "core/model/limits.h"

namespace roost::daemon {
namespace {

constexpr int kMostWaiting = 1024;  // the kernel's queue is shorter
constexpr Duration kPause = 5ms;
constexpr mode_t kAnybody = 0666;

Error failed(const std::string& path, int errnum) {
  return errno_error("notify socket '" + path + "'", errnum);
}

// A directory of root's that nobody else can write.
bool make_public_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0711) != 0 && errno != EEXIST) return false;

  struct stat info {};

  if (::lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != 0) return false;
  return ::chmod(path.c_str(), 0711) == 0;
}

}  // namespace

Result<UniqueFd> NotifySocket::bind(const std::string& path, mode_t mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error{Errc::invalid, "notify socket '" + path + "': name too long", {}};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return failed(path, errno);
  const int on = 1;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
    return failed(path, errno);
  // The file takes the mode of the socket's own inode, so it is never wider than this.
  if (::fchmod(fd.get(), mode) != 0) return failed(path, errno);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed(path, errno);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failed(path, errno);
  if (::chmod(path.c_str(), mode) != 0) return failed(path, errno);
  return fd;
}

NotifySocket::NotifySocket(loop::Loop& loop, UniqueFd fd, OnMessage on_message)
    : fd_(std::move(fd)),
      on_message_(std::move(on_message)),
      poll_(loop, fd_.get(), [this](unsigned) { on_readable(); }),
      pause_(loop, [this] { (void)poll_.start(loop::Poll::readable); }) {
  (void)poll_.start(loop::Poll::readable);  // a socket can always be polled
}

void NotifySocket::take_waiting() {
  (void)take_some(kMostWaiting);
}

void NotifySocket::on_readable() {
  if (take_some(model::limits::kNotifyPerTurn) || strangers_.empty()) return;
  poll_.stop();
  pause_.start(kPause);
}

// Whether that was all there is.
bool NotifySocket::take_some(int most) {
  constexpr std::size_t kMostStrangers = model::limits::kNotifyStrangers;
  strangers_.clear();
  for (int i = 0; i < most && strangers_.size() < kMostStrangers; ++i)
    if (!take_one()) return true;
  return false;
}

// The room for ancillary data holds the credentials only: descriptors that come along (BARRIER=1)
// are closed by the kernel when the datagram is taken out, which is what their sender waits for.
bool NotifySocket::take_one() {
  std::array<char, model::limits::kMaxNotifyBytes> text;
  iovec data{.iov_base = text.data(), .iov_len = text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t n = ::recvmsg(fd_.get(), &header, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n < 0) return errno == EINTR;
  ucred sender{};
  const cmsghdr* c = CMSG_FIRSTHDR(&header);
  if (c != nullptr && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
    std::memcpy(&sender, CMSG_DATA(c), sizeof sender);
  const bool whole = (header.msg_flags & MSG_TRUNC) == 0;
  const std::string_view said(text.data(), static_cast<std::size_t>(n));
  if (sender.pid > 0 && whole && !strangers_.contains(sender.pid) && !on_message_(sender.pid, said))
    strangers_.insert(sender.pid);
  kill_point("notify.before_consume");
  char byte = 0;
  (void)::recv(fd_.get(), &byte, sizeof byte, MSG_DONTWAIT);
  return true;
}

NotifyPlace find_notify_place(const std::string& runtime_dir, const std::string& home_id) {
  if (::geteuid() == 0) {
    const std::string directory = "/run/roost-" + home_id;
    if (make_public_directory(directory))
      return {.path = directory + "/notify.sock", .mode = kAnybody};
  }
  std::string path = runtime_dir + "/notify.sock";
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return {};
  return {.path = std::move(path)};
}

void remove_notify_place(const NotifyPlace& place) {
  if (place.path.empty()) return;
  (void)::unlink(place.path.c_str());
  if (place.mode == kAnybody) (void)::rmdir(place.path.substr(0, place.path.rfind('/')).c_str());
}

}  // namespace roost::daemon
