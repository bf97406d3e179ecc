#include "keeper/link.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <unistd.h>

namespace roost::keeper {

int Packet::take() {
  return taken_ < count_ ? fds_[taken_++] : -1;
}

void Packet::clear() {
  for (int fd = take(); fd >= 0; fd = take())
    ::close(fd);
  count_ = taken_ = 0;
}

Got receive_message(int socket, Packet& packet) {
  packet.clear();
  iovec part{&packet.message, sizeof packet.message};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof packet.fds_)];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t size = 0;
  // ECONNRESET only says, once, that the other side died without reading all: its messages are
  // still in the queue.
  do
    size = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  if (size < 0) return Got::nothing;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    packet.count_ = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::memcpy(packet.fds_, CMSG_DATA(c), packet.count_ * sizeof(int));
  }
  if (size == 0) {
    packet.clear();
    return Got::end;
  }
  const bool whole = size == sizeof packet.message && (header.msg_flags & MSG_TRUNC) == 0;
  if (whole && packet.message.magic == kMagic) return Got::message;
  packet.clear();
  return Got::ignored;
}

Sent send_message(int socket, const Message& message, const int* fds) {
  iovec part{const_cast<Message*>(&message), sizeof message};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxRunFds * sizeof(int))] = {};
  int chosen[kMaxRunFds];
  std::size_t count = 0;
  for (std::size_t i = 0; fds != nullptr && i < kMaxRunFds; ++i) {
    if ((message.flags & (1U << i)) != 0 && fds[i] >= 0) chosen[count++] = fds[i];
  }
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (count > 0) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(c), chosen, count * sizeof(int));
  }
  ssize_t size = 0;
  do
    size = ::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (size < 0 && errno == EINTR);
  if (size >= 0) return Sent::done;
  if (errno == EAGAIN) return Sent::full;
  return errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM ? Sent::later : Sent::broken;
}

}  // namespace roost::keeper
