#include "daemon/process/user_lookup.h"

#include <cerrno>
#include <charconv>
#include <optional>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace roost::daemon {
namespace {

constexpr std::size_t kFirstBuffer = 4096;
constexpr std::size_t kMaxBuffer = 1U << 20;
constexpr int kMaxGroups = 65'536;  // the kernel's limit

std::optional<uid_t> parse_uid(const std::string& text) {
  uid_t uid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return uid;
}

// Calls getpwnam_r or getpwuid_r with a buffer that grows as they ask for it.
template <class Lookup>
Result<std::optional<UserIdentity>> look_up(const std::string& user, Lookup lookup) {
  for (std::size_t size = kFirstBuffer; size <= kMaxBuffer; size *= 4) {
    std::vector<char> buffer(size);
    passwd entry{};
    passwd* found = nullptr;
    const int error = lookup(&entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE) continue;
    if (error == EINTR) continue;
    if (found == nullptr && error != 0 && error != ENOENT && error != ESRCH)
      return errno_error("user '" + user + "'", error);
    if (found == nullptr) return std::optional<UserIdentity>{};
    return std::optional(UserIdentity{.name = entry.pw_name,
                                      .uid = entry.pw_uid,
                                      .gid = entry.pw_gid,
                                      .groups = {},
                                      .home = entry.pw_dir,
                                      .shell = entry.pw_shell});
  }
  return errno_error("user '" + user + "'", ERANGE);
}

Result<std::optional<UserIdentity>> look_up_either(const std::string& user) {
  auto by_name = look_up(user, [&](auto... args) { return ::getpwnam_r(user.c_str(), args...); });
  if (!by_name || *by_name) return by_name;
  const auto uid = parse_uid(user);
  if (!uid) return by_name;
  return look_up(user, [&](auto... args) { return ::getpwuid_r(*uid, args...); });
}

}  // namespace

Result<UserIdentity> find_user(const std::string& user, std::optional<gid_t> group) {
  auto found = look_up_either(user);
  if (!found) return std::move(found).error();
  if (!*found)
    return Error{Errc::not_found, "user '" + user + "' does not exist",
                 "use a name or number that 'getent passwd' knows"};
  UserIdentity identity = std::move(**found);
  if (group) identity.gid = *group;
  for (int count = 64; count <= kMaxGroups; count *= 4) {
    identity.groups.resize(static_cast<std::size_t>(count));
    int needed = count;
    const int result =
        ::getgrouplist(identity.name.c_str(), identity.gid, identity.groups.data(), &needed);
    if (result < 0) continue;
    identity.groups.resize(static_cast<std::size_t>(needed));
    return identity;
  }
  return Error{Errc::invalid, "user '" + user + "' is in too many groups", ""};
}

Result<gid_t> find_group(const std::string& name) {
  for (std::size_t size = kFirstBuffer; size <= kMaxBuffer; size *= 4) {
    std::vector<char> buffer(size);
    group entry{};
    group* found = nullptr;
    const int error = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE || error == EINTR) continue;
    if (found != nullptr) return entry.gr_gid;
    if (const auto gid = parse_uid(name)) return *gid;
    if (error != 0 && error != ENOENT && error != ESRCH)
      return errno_error("group '" + name + "'", error);
    return Error{Errc::not_found, "group '" + name + "' does not exist",
                 "use a number, or a name that 'getent group' knows"};
  }
  return errno_error("group '" + name + "'", ERANGE);
}

Result<UserIdentity> find_identity(const std::string& user, const std::string& group) {
  std::optional<gid_t> gid;
  if (!group.empty()) {
    Result<gid_t> found = find_group(group);
    if (!found) return std::move(found).error();
    gid = *found;
  }
  if (!user.empty()) return find_user(user, gid);
  UserIdentity identity;
  identity.uid = ::geteuid();
  identity.gid = gid.value_or(::getegid());
  identity.groups = {identity.gid};
  return identity;
}

}  // namespace roost::daemon
