// Resolves the user an app runs as. May block for long (NSS: LDAP, sssd): the spawner's thread
// only.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "core/base/result.h"

namespace roost::daemon {

struct UserIdentity {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // all, the primary one included
  std::string home;
  std::string shell;
};

// By name, or by number when it has an entry in the user database.
[[nodiscard]] Result<UserIdentity> find_user(const std::string& user);

}  // namespace roost::daemon
