// KeeperWatch: a keeper that stands still keeps every exit to itself, and whoever waits for one
// would wait for ever. Where it has to ping and does not, it is continued (somebody may have
// stopped it), and when that does not help, killed: then the daemon makes another one (KeeperHeir).
// `ROOST_WATCHDOG=off` is for both directions. Loop thread only.
#pragma once

#include <functional>

#include <sys/types.h>

#include "core/loop/timer.h"

namespace roost::daemon {

class KeeperWatch {
 public:
  // `must_ping`: whether it has to, now.
  KeeperWatch(loop::Loop& loop, std::function<bool()> must_ping);

  // It lives: begins, or begins anew.
  void on_sign();

 private:
  void on_silence();

  loop::Timer timer_;
  std::function<bool()> must_ping_;
  pid_t keeper_;
  bool off_;
  bool continued_ = false;
};

}  // namespace roost::daemon
