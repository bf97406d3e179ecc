// What the parts of PumpThread ask about pipes.
#pragma once

#include <cstddef>

#include <poll.h>
#include <sys/ioctl.h>

#include "core/model/log_marks.h"

namespace roost::daemon {

// Moved from one pipe in one turn, so that a flood in one leaves the others their share.
inline constexpr std::size_t kBatchBytes = 1U << 20;

inline std::size_t index_of(model::Stream stream) {
  return static_cast<std::size_t>(stream);
}

inline std::size_t bytes_waiting(int pipe) {
  int waiting = 0;
  const bool known = ::ioctl(pipe, FIONREAD, &waiting) == 0 && waiting > 0;
  return known ? static_cast<std::size_t>(waiting) : 0;
}

// POLLIN: there are bytes; POLLHUP: nobody can write any more.
inline unsigned readiness(int pipe) {
  pollfd entry{pipe, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0 ? static_cast<unsigned>(entry.revents) : 0U;
}

}  // namespace roost::daemon
