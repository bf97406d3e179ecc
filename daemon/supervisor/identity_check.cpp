// Users and groups that do not exist are refused before an app is added: it could never run.
#include <unistd.h>

#include "daemon/process/user_lookup.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {
namespace {

struct Identity {
  std::string app;
  std::string user;
  std::string group;
};

Status look_up(const Identity& wanted) {
  std::optional<gid_t> group;
  if (!wanted.group.empty()) {
    const auto found = find_group(wanted.group);
    if (!found) return found.error();
    group = *found;
  }
  uid_t uid = ::geteuid();
  if (!wanted.user.empty()) {
    const auto found = find_user(wanted.user, group);
    if (!found) return found.error();
    uid = found->uid;
  }
  const bool changes = uid != ::geteuid() || (group && *group != ::getegid());
  if (!changes || ::geteuid() == 0) return ok();
  return Error{
      Errc::denied, "only a daemon that runs as root can start apps as another user or group", {}};
}

// Of what exists in another way (a directory that does not answer just now) the start will tell.
bool can_never_work(const Status& found) {
  return !found && found.error().code != Errc::io;
}

}  // namespace

void Supervisor::check_identities(const std::vector<const model::AppSpec*>& specs,
                                  Committed done) const {
  std::vector<Identity> wanted;
  for (const model::AppSpec* spec : specs)
    if (!spec->user.empty() || !spec->group.empty())
      wanted.push_back({spec->name, spec->user, spec->group});
  if (wanted.empty()) return done(ok());
  auto verdict = std::make_shared<Status>(ok());
  spawner_->run(
      [wanted = std::move(wanted), verdict] {
        for (const Identity& one : wanted) {
          Status found = look_up(one);
          if (!can_never_work(found)) continue;
          *verdict = std::move(found).error().context("app '" + one.app + "'");
          return;
        }
      },
      [verdict, done = std::move(done)] { done(std::move(*verdict)); });
}

}  // namespace roost::daemon
