#include "daemon/api/session.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/socket.h>

#include "core/model/limits.h"
#include "daemon/log.h"
#include "ipc/envelope.h"

namespace roost::daemon {

namespace limits = model::limits;

namespace {
constexpr int kRequestsPerTurn = 16;

class Cork {
 public:
  explicit Cork(bool& corked) : corked_(corked) { corked_ = true; }

  ~Cork() { corked_ = false; }

  Cork(const Cork&) = delete;
  Cork& operator=(const Cork&) = delete;

 private:
  bool& corked_;
};
}  // namespace

Session::Session(loop::Loop& loop, UniqueFd socket, Callbacks callbacks)
    : loop_(loop),
      socket_(std::move(socket)),
      callbacks_(std::move(callbacks)),
      poll_(loop, socket_.get(), [this](unsigned events) { on_events(events); }),
      more_(loop, [this] { take_frames(); }),
      deadline_(loop, [this] { close(); }),
      keep_alive_(loop, [this] {
        if (out_.empty()) out_.add(ipc::append_keep_alive);  // what waits is a sign of life, too
        write_some();
        if (open_ && waits_ > 0) keep_alive_.start(ipc::kKeepAliveInterval);
      }) {}

Status Session::start() {
  return poll_.start(loop::Poll::readable);
}

void Session::on_events(unsigned events) {
  if ((events & loop::Poll::writable) != 0) write_some();
  if (open_ && (events & loop::Poll::readable) != 0) read_some();
}

void Session::read_some() {
  if (more_.active()) return;
  std::array<char, 65536> buffer;  // NOLINT: filled by recv
  const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return close();
  decoder_.feed({buffer.data(), static_cast<std::size_t>(n)});
  take_frames();
}

// The answers to all of them go out together.
void Session::take_frames() {
  {
    const Cork cork(corked_);  // taken out whatever a handler throws
    handle_frames();
  }
  write_some();
}

// So many of one client's at a time: others come in between.
void Session::handle_frames() {
  for (int handled = 0; open_ && !closing_; ++handled) {
    if (handled == kRequestsPerTurn) return more_.start(1ms);  // 0 would be this turn again
    Result<std::optional<ipc::Frame>> frame = decoder_.next();
    if (!frame) {
      send(ipc::FrameType::error, 0, ipc::encode_error(frame.error()));
      return close_when_written();
    }
    if (!*frame) break;
    callbacks_.on_request((*frame)->id, std::move((*frame)->payload));
  }
  if (decoder_.pending() == 0)
    deadline_.cancel();
  else if (!deadline_.active())
    deadline_.start(limits::kRequestDeadline);
}

void Session::send(ipc::FrameType type, std::uint32_t id, std::string_view payload) {
  if (!open_) return;
  if (corked_ && out_.size() + payload.size() > limits::kMaxUnreadBytes) write_out();
  if (out_.size() + payload.size() > limits::kMaxUnreadBytes && !out_.empty()) {
    log_warning("api",
                "client dropped: unread=" + std::to_string(out_.size()) + " reason=does-not-read");
    return close();
  }
  out_.add([&](std::string& piece) { ipc::append_message(piece, type, id, payload); });
  write_some();
  most_unread_ = std::max(most_unread_, out_.size());
}

void Session::write_some() {
  if (!corked_) write_out();
}

void Session::write_out() {
  while (open_ && !out_.empty()) {
    const std::string_view next = out_.front();
    const ssize_t n = ::send(socket_.get(), next.data(), next.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) return close();
    out_.consume(static_cast<std::size_t>(n));
  }
  if (out_.empty() && closing_) return close();
  watch();
}

void Session::watch() {
  if (!open_) return;
  const unsigned wanted =
      loop::Poll::readable | (out_.empty() ? 0U : static_cast<unsigned>(loop::Poll::writable));
  (void)poll_.start(closing_ ? static_cast<unsigned>(loop::Poll::writable) : wanted);
}

void Session::begin_wait() {
  if (++waits_ == 1) keep_alive_.start(ipc::kKeepAliveInterval);
}

void Session::end_wait() {
  if (--waits_ == 0) keep_alive_.cancel();
}

void Session::close_when_written() {
  closing_ = true;
  if (out_.empty())
    close();
  else
    watch();
}

void Session::close() {
  if (!open_) return;
  open_ = false;
  poll_.stop();
  more_.cancel();
  deadline_.cancel();
  keep_alive_.cancel();
  callbacks_.on_closed();
}

}  // namespace roost::daemon
