#include "daemon/supervisor/keeper_link.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "core/base/kill_point.h"
#include "core/model/limits.h"

namespace roost::daemon {
namespace {

using keeper::Message;
using keeper::Type;

constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(int) * keeper::kMaxRunFds);
constexpr int kMessagesPerTurn = 256;

Message make(Type type, std::uint64_t key = 0, std::uint64_t seq = 0) {
  Message message;
  message.type = type;
  message.key = key;
  message.seq = seq;
  return message;
}

std::deque<UniqueFd> take_fds(msghdr& header) {
  std::deque<UniqueFd> fds;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

UniqueFd pop(std::deque<UniqueFd>& fds) {
  if (fds.empty()) return {};
  UniqueFd fd = std::move(fds.front());
  fds.pop_front();
  return fd;
}

LabelBytes label_of(const Message& message) {
  LabelBytes label;
  std::memcpy(label.data(), message.label, label.size());
  return label;
}

KeeperRun run_of(const Message& message, std::deque<UniqueFd> fds) {
  KeeperRun run{.run = model::RunId{message.key}, .label = label_of(message)};
  run.foreign = (message.flags & keeper::kRunForeign) != 0;
  if ((message.flags & keeper::kFdPidfd) != 0) run.pidfd = pop(fds);
  if ((message.flags & keeper::kFdStdout) != 0) run.out = pop(fds);
  if ((message.flags & keeper::kFdStderr) != 0) run.err = pop(fds);
  if ((message.flags & keeper::kFdStdin) != 0) (void)pop(fds);  // of another version
  if ((message.flags & keeper::kFdChannel) != 0) run.channel = pop(fds);
  return run;
}

}  // namespace

KeeperLink::KeeperLink(loop::Loop& loop, UniqueFd socket, KeeperListener& listener)
    : socket_(std::move(socket)),
      bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      listener_(listener),
      poll_(loop, socket_.get(), [this](unsigned events) { on_events(events); }) {}

Status KeeperLink::start() {
  Message hello = make(Type::daemon_hello);
  hello.value = keeper::kProtocolVersion;
  const int bell = bell_.get();
  if (bell < 0) return errno_error("a descriptor to wake the keeper by", errno);
  hello.flags = keeper::kFdPidfd;
  send(hello, std::span(&bell, 1));
  return poll_.start(loop::Poll::readable);
}

void KeeperLink::on_events(unsigned events) {
  if ((events & loop::Poll::writable) != 0) flush();
  for (int i = 0; i < kMessagesPerTurn && !gone_ && receive_one(); ++i) {
  }
}

bool KeeperLink::receive_one() {
  Message message;
  iovec io{&message, sizeof message};
  alignas(cmsghdr) std::array<char, kControlBytes> control{};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t n = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  // The keeper died with messages of ours unread; what it had sent is still in the queue.
  if (n < 0 && errno == ECONNRESET) return true;
  if (n <= 0) {
    gone_ = true;
    poll_.stop();
    listener_.on_keeper_gone();
    return false;
  }
  std::deque<UniqueFd> fds = take_fds(header);
  if (n == sizeof message && message.magic == keeper::kMagic) handle(message, std::move(fds));
  return true;
}

void KeeperLink::handle(const Message& message, std::deque<UniqueFd> fds) {
  switch (message.type) {
    case Type::hello:
      facts_ = {message.key, message.seq, static_cast<std::uint32_t>(message.status),
                message.flags};
      return;
    case Type::specs:
      return listener_.on_keeper_specs(pop(fds));
    case Type::entry:
      return listener_.on_keeper_entry(message.key, label_of(message), pop(fds));
    case Type::run:
      return listener_.on_keeper_run(run_of(message, std::move(fds)));
    case Type::exit:
      return listener_.on_keeper_exit(
          {model::RunId{message.key}, message.seq, message.value, message.status});
    case Type::window:
      return send(make(Type::window_ack, 0, message.seq));
    case Type::ready:
      kill_point("handover.before_ready");
      return listener_.on_keeper_ready();
    case Type::ping:
      send(make(Type::pong, 0, message.seq));
      return listener_.on_keeper_ping();
    case Type::upgraded:
      return listener_.on_keeper_upgraded(message.value == 0);
    case Type::not_kept:
      return listener_.on_keeper_refused(
          message.key, message.value != static_cast<std::int32_t>(keeper::Verdict::refused));
    default:
      return;
  }
}

void KeeperLink::ack_exit(model::RunId run, std::uint64_t seq) {
  held_acks_.push_back(make(Type::ack_exit, raw(run), seq));
  if (held_acks_.size() >= model::limits::kMaxHeldAcks) send_held_acks();
}

void KeeperLink::adopt_run(model::RunId run, const LabelBytes& label, pid_t pid, int pidfd, int out,
                           int err) {
  Message message = make(Type::adopt_run, raw(run));
  message.value = pid;
  std::memcpy(message.label, label.data(), label.size());
  std::array<int, 3> fds{pidfd, -1, -1};
  std::size_t count = 1;
  message.flags = keeper::kFdPidfd;
  if (out >= 0) {
    message.flags |= keeper::kFdStdout;
    fds[count++] = out;
  }
  if (err >= 0) {
    message.flags |= keeper::kFdStderr;
    fds[count++] = err;
  }
  send(message, std::span(fds).first(count));
}

void KeeperLink::store_entry(std::uint64_t key, std::span<const std::uint8_t> label, int fd) {
  Message message = make(Type::store, key);
  std::memcpy(message.label, label.data(), std::min(label.size(), sizeof message.label));
  if (fd < 0) return send(message);
  message.flags = keeper::kFdPidfd;  // an entry's descriptor is its first
  send(message, std::span(&fd, 1));
}

void KeeperLink::drop_entry(std::uint64_t key) {
  send(make(Type::drop, key));
}

void KeeperLink::drop_channel(model::RunId run) {
  Message message = make(Type::drop_fds, raw(run));
  message.flags = keeper::kFdChannel;
  send(message);
}

void KeeperLink::put_specs(int memfd) {
  send(make(Type::put_specs), std::span(&memfd, 1));
}

void KeeperLink::quit() {
  send(make(Type::quit));
}

void KeeperLink::upgrade() {
  send(make(Type::upgrade));
}

void KeeperLink::send_held_acks() {
  for (const Message& ack : std::exchange(held_acks_, {})) {
    kill_point("exit.before_ack");
    send_now(ack, {});
    kill_point("exit.after_ack");
  }
}

void KeeperLink::send(const Message& message, std::span<const int> fds) {
  send_held_acks();
  send_now(message, fds);
  if (message.type != Type::pong) ring();
}

void KeeperLink::ring() const {
  (void)::eventfd_write(bell_.get(), 1);
}

void KeeperLink::send_now(const Message& message, std::span<const int> fds) {
  if (gone_ || (waiting_.empty() && try_send(message, fds))) return;
  Outgoing outgoing{message, {}};
  for (int fd : fds)
    outgoing.fds.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 16));
  waiting_.push_back(std::move(outgoing));
  ring();
  (void)poll_.start(loop::Poll::readable |
                    loop::Poll::writable);  // was polled before: cannot fail now
}

// False when the socket is full.
bool KeeperLink::try_send(const Message& message, std::span<const int> fds) {
  iovec io{const_cast<Message*>(&message), sizeof message};  // NOLINT: sendmsg does not write
  alignas(cmsghdr) std::array<char, kControlBytes> control{};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(c), fds.data(), fds.size_bytes());
  }
  const ssize_t n = ::sendmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  // Any other failure means that the keeper is gone: the read side sees that and reports it once.
  return n >= 0 || (errno != EAGAIN && errno != ETOOMANYREFS && errno != ENOBUFS && errno != EINTR);
}

void KeeperLink::flush() {
  while (!waiting_.empty()) {
    std::array<int, keeper::kMaxRunFds> fds{};
    std::size_t count = 0;
    for (const UniqueFd& fd : waiting_.front().fds)
      fds[count++] = fd.get();
    if (!try_send(waiting_.front().message, std::span(fds).first(count))) break;
    waiting_.pop_front();
  }
  ring();
  if (!waiting_.empty()) return;
  (void)poll_.start(loop::Poll::readable);
}

}  // namespace roost::daemon
