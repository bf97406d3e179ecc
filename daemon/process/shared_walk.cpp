#include "daemon/process/shared_walk.h"

namespace roost::daemon {

std::shared_ptr<const ProcSnapshot> SharedWalk::read(Scope scope, pid_t keeper,
                                                     std::int64_t asked_ns) {
  const std::lock_guard lock(mutex_);
  const bool fits = last_ && last_->taken_ns >= asked_ns && scope_ == scope && keeper_ == keeper;
  if (!fits) {
    last_ = std::make_shared<const ProcSnapshot>(read_processes(scope, keeper));
    scope_ = scope;
    keeper_ = keeper;
  }
  return last_;
}

}  // namespace roost::daemon
