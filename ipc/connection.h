// Connection: frames over a blocking wait on one socket. Its errors have a fixed meaning, which
// Client acts on:
//   Errc::io           the connection broke (peer died, was reset, closed)
//   Errc::unavailable  no byte moved for `silence`: the peer hangs
//   Errc::timeout      the deadline passed
//   Errc::protocol     what came is not our protocol
#pragma once

#include <string_view>

#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/unique_fd.h"
#include "ipc/frame.h"

namespace roost::ipc {

struct Patience {
  TimePoint deadline = TimePoint::max();
  Duration silence = kSilenceLimit;
};

class Connection {
 public:
  Connection() = default;

  explicit Connection(UniqueFd socket) : socket_(std::move(socket)) {}

  [[nodiscard]] bool is_open() const { return static_cast<bool>(socket_); }

  void close() { *this = Connection(); }

  // After an error part of it may have been sent, never all.
  [[nodiscard]] Status send(std::string_view bytes, const Patience& patience);
  // The next frame, keep-alives left out.
  [[nodiscard]] Result<Frame> receive(const Patience& patience);

 private:
  Status wait_for(short events, const Patience& patience);
  Status read_some(const Patience& patience);

  UniqueFd socket_;
  FrameDecoder decoder_{Side::client};
  TimePoint sign_of_life_{};  // last time a byte moved
};

}  // namespace roost::ipc
