// BlockedSignals: all signals of this thread blocked as long as it lives, glibc's own two included,
// which pthread_sigmask leaves open: a handler that ran in a child that shares memory would run in
// the daemon's.
#pragma once

#include <csignal>
#include <cstdint>

#include <sys/syscall.h>
#include <unistd.h>

namespace roost::daemon {

class BlockedSignals {
 public:
  BlockedSignals() { set(~std::uint64_t{0}, &old_); }

  ~BlockedSignals() { set(old_, nullptr); }

  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  static void set(std::uint64_t mask, std::uint64_t* old) {
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, old, sizeof mask);
  }

  std::uint64_t old_ = 0;
};

}  // namespace roost::daemon
