// StartWork: one request under way that starts instances (start, restart, scale, resurrect):
// answered when it is on disk, every instance is settled, and the last words of those that failed
// are read. Loop thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "daemon/api/services.h"
#include "ipc/messages/app_messages.h"

namespace roost::daemon {

struct StartWork {
  Services& services;
  std::function<void(Result<ipc::StartReply>)> finish;
  ipc::StartReply reply{};
  int open = 1;  // the request itself; it is given back by done_one() when all is begun
  std::optional<Error> failed{};
  std::set<model::InstanceId> jobs{};  // those that are to run now; others go on their schedule
  // ReplyTo::first_sent(): what has ended since then was started, or was stopped by somebody later.
  WallMs first_sent = 0;

  void done_one() {
    if (--open > 0) return;
    if (failed) return finish(std::move(*failed));
    finish(std::move(reply));
  }
};

using StartWorkPtr = std::shared_ptr<StartWork>;

[[nodiscard]] StartWorkPtr begin_start(Services& services,
                                       std::function<void(Result<ipc::StartReply>)> finish);
// Settles the outcomes of these instances, which are in the reply already: when they have proved
// themselves or failed, or at once.
void wait_for(const StartWorkPtr& work, const std::vector<model::InstanceId>& ids, bool wait);
// Of a request that is sent again: whether it has come about what it was about.
[[nodiscard]] bool was_carried_out(const StartWork& work, const Instance& instance);
// Whether it is a job that this request puts on its schedule only.
[[nodiscard]] bool is_only_enrolled(const StartWork& work, const Instance& instance);
// Puts it there, and adds the outcome.
void enrol(const StartWorkPtr& work, model::InstanceId id);
// Adds an outcome for each, and does nothing to them.
void report_as_they_are(StartWork& work, const std::vector<model::InstanceId>& ids,
                        ipc::RestsAs rests_as);
// Starts those that rest; the others are already running. Adds the outcomes.
void start_existing(const StartWorkPtr& work, const std::vector<model::InstanceId>& ids, bool wait);
// The answer waits for this as well.
[[nodiscard]] Supervisor::Committed on_disk(const StartWorkPtr& work);

// Calls `submit` with such a continuation; where it refuses, the work has failed and there are no
// instances.
[[nodiscard]] std::vector<model::InstanceId> submitted(
    const StartWorkPtr& work,
    const std::function<Result<std::vector<model::InstanceId>>(Supervisor::Committed)>& submit);

}  // namespace roost::daemon
