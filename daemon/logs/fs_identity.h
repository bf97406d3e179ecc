// FsIdentity: while it lives, this thread (and no other) touches the file system with another
// user's rights. So a root daemon that opens a log for a user's app can reach nothing the user
// could not, whatever links the user plants.
#pragma once

#include <optional>

#include "daemon/logs/pump.h"

namespace roost::daemon {

class FsIdentity {
 public:
  // Does nothing without an owner, or when the process is not root.
  explicit FsIdentity(const std::optional<FileOwner>& owner);
  ~FsIdentity();
  FsIdentity(const FsIdentity&) = delete;
  FsIdentity& operator=(const FsIdentity&) = delete;

  // Once, at the start of a thread that will use FsIdentity: root's supplementary groups would stay
  // in force otherwise.
  static void drop_groups_of_thread();

 private:
  bool active_ = false;
};

}  // namespace roost::daemon
