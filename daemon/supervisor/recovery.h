// Recovery: the one way to start. Collects what the keeper hands over and, when that is complete,
// makes every instance and run of it again: from the keeper where it has them (the daemon died),
// else from state.db and from the processes that still live (keeper and daemon died), else from
// nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "daemon/process/adopt.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

class Recovery {
 public:
  explicit Recovery(Supervisor& supervisor) : s_(supervisor) {}

  void add_specs(UniqueFd memfd) { specs_ = std::move(memfd); }

  void add_note(const LabelBytes& label);

  void add_run(KeeperRun run) { runs_.push_back(std::move(run)); }

  void add_exit(const KeeperExit& exit) { exits_.push_back(exit); }

  // The hand-over is complete.
  void finish();

 private:
  [[nodiscard]] bool load_book();
  void begin_run_ids();
  void repair_rows();
  void make_instances();
  void take_over(KeeperRun run);
  void restore(Instance& instance, const model::InstanceNote& note);
  void restore_current(Instance& instance, const model::InstanceNote& note);
  [[nodiscard]] static model::Rest rest_of_cut_short(Instance& instance);
  [[nodiscard]] bool is_outdated(const Instance& instance) const;
  void resume(Instance& instance);
  void adopt_survivors();
  void adopt(FoundRun found, const std::optional<model::RunLabel>& known);
  void end_stray(const RoostId& stray);
  void claim_runs();
  void record_unknown_ends();
  [[nodiscard]] Run& make_run(const model::RunLabel& label, UniqueFd pidfd, UniqueFd out,
                              UniqueFd err, UniqueFd channel, bool foreign);

  Supervisor& s_;
  UniqueFd specs_;
  std::map<model::InstanceId, model::InstanceNote> notes_;
  std::vector<KeeperRun> runs_;
  std::vector<KeeperExit> exits_;
  std::map<model::RunId, model::RunLabel>
      recorded_;                    // runs that state.db knows, not found again yet
  std::set<model::RunId> adopted_;  // runs of before that live on
  bool cold_ = false;               // the keeper is fresh: what lives must be found
};

}  // namespace roost::daemon
