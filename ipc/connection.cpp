#include "ipc/connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

namespace roost::ipc {
namespace {

constexpr std::size_t kFirstRead = 2048;

Error broken(int why) {
  Error error = errno_error("connection to the daemon", why);
  error.code = Errc::io;
  return error;
}

bool must_wait(int why) {
  return why == EAGAIN || why == EWOULDBLOCK;
}

// Rounded up, so that poll never returns just before the time.
int milliseconds_until(TimePoint when, TimePoint now) {
  if (when <= now) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - now).count();
  return static_cast<int>(std::min<std::int64_t>(left, 60'000));
}

}  // namespace

Status Connection::wait_for(short events, const Patience& patience) {
  for (;;) {
    const TimePoint now = Monotonic::now();
    const TimePoint silent = sign_of_life_ + patience.silence;
    if (now >= patience.deadline) return Error{Errc::timeout, "the time is up", {}};
    if (now >= silent) return Error{Errc::unavailable, "the daemon does not answer", {}};
    pollfd waiting{socket_.get(), events, 0};
    const int ready =
        ::poll(&waiting, 1, milliseconds_until(std::min(silent, patience.deadline), now));
    if (ready > 0) return ok();
    if (ready < 0 && errno != EINTR) return broken(errno);
  }
}

Status Connection::send(std::string_view bytes, const Patience& patience) {
  sign_of_life_ = Monotonic::now();
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      sign_of_life_ = Monotonic::now();
    } else if (must_wait(errno)) {
      if (Status writable = wait_for(POLLOUT, patience); !writable) return writable;
    } else if (errno != EINTR) {
      return broken(errno);
    }
  }
  return ok();
}

Status Connection::read_some(const Patience& patience) {
  // Up to the end of a frame whose length is known: a long one is then handed on without a copy.
  // Fresh pages are what the bytes of a reply cost most.
  const std::size_t size = decoder_.missing() > 0 ? decoder_.missing() : kFirstRead;
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), decoder_.room(size), size, 0);
    decoder_.commit(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (got > 0) {
      sign_of_life_ = Monotonic::now();
      return ok();
    }
    if (got == 0) return broken(ECONNRESET);
    if (must_wait(errno)) {
      if (Status readable = wait_for(POLLIN, patience); !readable) return readable;
    } else if (errno != EINTR) {
      return broken(errno);
    }
  }
}

Result<Frame> Connection::receive(const Patience& patience) {
  for (;;) {
    Result<std::optional<Frame>> next = decoder_.next();
    if (!next) return std::move(next).error();
    if (!*next) {
      if (Status read = read_some(patience); !read) return std::move(read).error();
    } else if (!is_keep_alive(**next)) {
      return std::move(**next);
    } else if (Monotonic::now() >= patience.deadline) {
      return Error{Errc::timeout, "the time is up", {}};  // keep-alives must not hold it up
    }
  }
}

}  // namespace roost::ipc
