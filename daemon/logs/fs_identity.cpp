#include "daemon/logs/fs_identity.h"

#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/check.h"

namespace roost::daemon {

FsIdentity::FsIdentity(const std::optional<FileOwner>& owner) {
  if (!owner || owner->uid == 0 || ::geteuid() != 0) return;
  active_ = true;
  ::setfsgid(owner->gid);
  ::setfsuid(owner->uid);  // also takes the file capabilities of root away
  // The calls report nothing; asking with an invalid id tells what is in force.
  ROOST_CHECK(::setfsuid(static_cast<uid_t>(-1)) == static_cast<int>(owner->uid),
              "files of a user must not be opened as root");
}

FsIdentity::~FsIdentity() {
  if (!active_) return;
  ::setfsuid(::geteuid());
  ::setfsgid(::getegid());
}

void FsIdentity::drop_groups_of_thread() {
  // The raw call changes the calling thread only; glibc's wrapper would change all threads.
  if (::geteuid() == 0)
    (void)::syscall(SYS_setgroups, 0UL, nullptr);  // fails in a user namespace: then there are none
}

}  // namespace roost::daemon
