// One datagram each way on the keeper's socket, with descriptors. Never blocks, never allocates.
#pragma once

#include "keeper/protocol.h"

namespace roost::keeper {

inline constexpr std::uint32_t kFdMask = (1U << kMaxRunFds) - 1;

enum class Got { message, ignored, nothing, end };

// A received message. Owns its descriptors until they are taken; the rest is closed.
class Packet {
 public:
  Packet() = default;
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  Packet(Packet&&) = delete;
  Packet& operator=(Packet&&) = delete;

  ~Packet() { clear(); }

  // The next descriptor in order; -1 when there is none left.
  int take();
  void clear();

  Message message;

 private:
  friend Got receive_message(int socket, Packet& packet);
  int fds_[kMaxRunFds] = {};
  std::size_t count_ = 0;
  std::size_t taken_ = 0;
};

// All descriptors are close-on-exec. Got::ignored: a datagram that is not a Message (its
// descriptors are closed); nothing: the queue is empty; end: nobody can send any more.
Got receive_message(int socket, Packet& packet);

enum class Sent {
  done,
  full,    // wait until the socket is writable
  later,   // descriptors in flight or memory exhausted: try again in a moment
  broken,  // the other side is gone
};

// Sends those of `fds` (kMaxRunFds of them, or null) whose bit is set in message.flags.
Sent send_message(int socket, const Message& message, const int* fds = nullptr);

}  // namespace roost::keeper
