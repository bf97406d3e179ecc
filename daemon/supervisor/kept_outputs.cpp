#include "daemon/supervisor/kept_outputs.h"

#include <utility>

#include "core/model/limits.h"
#include "daemon/process/proc_snapshot.h"

namespace roost::daemon {

using model::RunId;

bool KeptOutputs::has_room() const {
  return pipes_.size() < model::limits::kMaxKeptOutputs;
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
  if (!make_blocking(pipes.out) || !make_blocking(pipes.err)) return std::nullopt;
  return pipes;
}

void KeptOutputs::let_go(RunId run) {
  pipes_.erase(run);
}

void leave_pipes_to_the_last(std::vector<KeeperRun>& runs) {
  std::unordered_map<std::uint64_t, KeeperRun*> owners;  // by inode
  for (KeeperRun& run : runs) {
    const std::uint64_t inode = pipe_inode(run.out.get());
    if (inode == 0) continue;
    KeeperRun*& owner = owners[inode];
    KeeperRun* loser = std::exchange(owner, &run);
    if (loser != nullptr && raw(loser->run) > raw(run.run)) std::swap(owner, loser);
    if (loser == nullptr) continue;
    loser->out.reset();
    loser->err.reset();
  }
}

}  // namespace roost::daemon
