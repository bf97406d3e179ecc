// KeptOutputs: both ends of the output pipes of runs that may soon have a successor, so that this
// goes on with them: no pipes are made and given up at each of many restarts, and the pump need not
// wake. docs/adr/0022-restarts-go-on-with-the-pipes.md. Loop thread only.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "core/model/ids.h"
#include "daemon/process/app_pipe.h"
#include "daemon/supervisor/keeper_link.h"

namespace roost::daemon {

class KeptOutputs {
 public:
  // There is for limits::kMaxKeptOutputs, half of them for apps that have never ended yet.
  enum class App : std::uint8_t { ended_before, new_one };
  [[nodiscard]] bool has_room(App app = App::ended_before) const;
  // As long as there is room; else they are closed.
  void keep(model::RunId run, AppPipes pipes);
  // Whether they are kept, and nothing is in them.
  [[nodiscard]] bool are_empty(model::RunId run) const;
  // Nothing where they are not kept, or the one before has changed whose they are.
  [[nodiscard]] std::optional<AppPipes> take(model::RunId run);
  // From now on their end is seen by who reads them.
  void let_go(model::RunId run);

  void let_all_go() { pipes_.clear(); }

 private:
  std::unordered_map<model::RunId, AppPipes> pipes_;
};

// Of runs with the same pipes only the last one keeps them: what the others wrote is in the files.
// `runs` are in the order of their ids.
void leave_pipes_to_the_last(std::vector<KeeperRun>& runs);

}  // namespace roost::daemon
