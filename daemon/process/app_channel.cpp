#include "daemon/process/app_channel.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/socket.h>

#include "core/base/kill_point.h"
#include "core/model/limits.h"
#include "core/model/readiness.h"

namespace roost::daemon {
namespace {

namespace limits = model::limits;

constexpr std::string_view kShutdown = "\"shutdown\"\n";
constexpr std::string_view kHandleAck = "{\"cmd\":\"NODE_HANDLE_ACK\"}\n";

// A part of a message keeps the socket readable: it is looked at again after a while instead.
constexpr Duration kFirstRetry = 10ms;
constexpr Duration kLastRetry = 1s;
// After a full read, so that an app that floods its channel leaves the loop to others.
constexpr Duration kBreath = 1ms;

bool send_whole(int fd, std::string_view text) {
  return ::send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(text.size());
}

}  // namespace

AppChannel::AppChannel(loop::Loop& loop, UniqueFd fd, Hooks hooks)
    : fd_(std::move(fd)),
      hooks_(std::move(hooks)),
      poll_(loop, fd_.get(), [this](unsigned) { on_readable(); }),
      pause_(loop, [this] { resume(); }) {
  resume();
}

bool AppChannel::send_shutdown() {
  return fd_ && send_whole(fd_.get(), kShutdown);
}

void AppChannel::on_readable() {
  std::array<char, limits::kMaxChannelMessage> buffer;
  const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return close();
  const std::string_view seen(buffer.data(), static_cast<std::size_t>(n));
  int handles = 0;
  const std::size_t taken = take_lines(seen, handles);
  if (taken == 0) return on_incomplete(seen.size());
  kill_point("channel.before_consume");
  consume(taken);
  // Only after it is taken out: an acknowledgement that nobody waits for ends a Node process. One
  // that cannot be sent is the app's loss, which does not read.
  for (; handles > 0; --handles)
    (void)send_whole(fd_.get(), kHandleAck);
  incomplete_since_ = {};
  if (seen.size() == buffer.size()) pause(kBreath);
}

// How many bytes of whole messages there were.
std::size_t AppChannel::take_lines(std::string_view seen, int& handles) {
  std::size_t taken = 0;
  for (auto end = seen.find('\n'); end != std::string_view::npos; end = seen.find('\n', taken)) {
    if (!skipping_) take_line(seen.substr(taken, end - taken), handles);
    skipping_ = false;
    taken = end + 1;
  }
  return taken;
}

void AppChannel::take_line(std::string_view line, int& handles) {
  switch (model::parse_channel_line(line)) {
    case model::ChannelWord::ready:
      return hooks_.on_ready();
    case model::ChannelWord::handle:
      ++handles;
      return;
    case model::ChannelWord::other:
      return;
  }
}

// The rest of the message is on its way, or never comes, or there is too much of it.
void AppChannel::on_incomplete(std::size_t size) {
  const TimePoint now = Monotonic::now();
  if (incomplete_since_ == TimePoint{}) {
    incomplete_since_ = now;
    retry_ = kFirstRetry;
  }
  const bool too_long = size == limits::kMaxChannelMessage;
  if (skipping_ || too_long || now - incomplete_since_ > limits::kChannelMessageTime) {
    skipping_ = true;
    consume(size);
    return pause(kBreath);
  }
  pause(retry_);
  retry_ = std::min(retry_ * 2, kLastRetry);
}

void AppChannel::consume(std::size_t size) {
  std::array<char, limits::kMaxChannelMessage> buffer;
  while (size > 0) {
    const ssize_t n = ::recv(fd_.get(), buffer.data(), std::min(size, buffer.size()), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    size -= static_cast<std::size_t>(n);
  }
}

void AppChannel::pause(Duration how_long) {
  poll_.stop();
  pause_.start(how_long);
}

void AppChannel::resume() {
  (void)poll_.start(loop::Poll::readable);  // a socket can always be polled
}

void AppChannel::close() {
  poll_.stop();
  pause_.cancel();
  fd_.reset();
  hooks_.on_closed();
}

}  // namespace roost::daemon
