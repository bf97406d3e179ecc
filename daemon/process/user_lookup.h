// Resolves the user an app runs as. May block for long (NSS: LDAP, sssd): the spawner's thread
// only.
#pragma once

#include <optional>
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
// `group`: in place of the user's own one.
[[nodiscard]] Result<UserIdentity> find_user(const std::string& user,
                                             std::optional<gid_t> group = std::nullopt);
// By name, or by number whether it has an entry or not.
[[nodiscard]] Result<gid_t> find_group(const std::string& group);

// Of a process that is to run as this user and group; empty: as the daemon does.
[[nodiscard]] Result<UserIdentity> find_identity(const std::string& user, const std::string& group);

}  // namespace roost::daemon
