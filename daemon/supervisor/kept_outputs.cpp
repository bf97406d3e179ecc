#include "daemon/supervisor/kept_outputs.h"

#include <unordered_set>
#include <utility>

#include "core/model/limits.h"
#include "daemon/process/proc_snapshot.h"

namespace roost::daemon {

using model::RunId;

bool KeptOutputs::has_room(App app) const {
  constexpr std::size_t kAll = model::limits::kMaxKeptOutputs;
  return pipes_.size() < (app == App::new_one ? kAll / 2 : kAll);
}

void KeptOutputs::keep(RunId run, AppPipes pipes) {
  if (has_room()) pipes_.insert_or_assign(run, std::move(pipes));
}

bool KeptOutputs::are_empty(RunId run) const {
  const auto found = pipes_.find(run);
  return found != pipes_.end() && is_empty(found->second.out) && is_empty(found->second.err);
}

std::optional<AppPipes> KeptOutputs::take(RunId run) {
  const auto found = pipes_.find(run);
  if (found == pipes_.end()) return std::nullopt;
  AppPipes pipes = std::move(found->second);
  pipes_.erase(found);
  if (!is_still_ours(pipes.out) || !is_still_ours(pipes.err)) return std::nullopt;
  return pipes;
}

void KeptOutputs::let_go(RunId run) {
  pipes_.erase(run);
}

void leave_pipes_to_the_last(std::vector<KeeperRun>& runs) {
  std::unordered_set<std::uint64_t> seen;  // inodes
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    const std::uint64_t inode = pipe_inode(run->out.get());
    if (inode == 0 || seen.insert(inode).second) continue;
    run->out.reset();
    run->err.reset();
  }
}

}  // namespace roost::daemon
