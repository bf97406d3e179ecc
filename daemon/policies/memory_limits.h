// MemoryLimits: restarts runs whose processes together take more memory than max_memory_restart
// allows. Looks every kMemoryLook while there is such a run, off the loop. Loop thread.
#pragma once

#include <map>
#include <vector>

#include "core/loop/timer.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

class MemoryLimits {
 public:
  MemoryLimits(loop::Loop& loop, loop::Worker& worker, Supervisor& supervisor);

  // A run may have begun.
  void sync();
  void stop();

 private:
  struct Measured {
    model::InstanceId instance{};
    model::RunId run{};
    TreeRoot root;
    TreeMemory memory;
    std::uint64_t bytes = 0;
  };

  // An app that takes too much from its start is not restarted all the time.
  struct Pace {
    int quick = 0;  // restarts in a row of runs that had not lived for long
    TimePoint next{};
  };

  void look();
  [[nodiscard]] bool is_time(const Instance& instance, const Run& run);
  void judge(const std::vector<Measured>& all);
  [[nodiscard]] std::vector<Measured> limited_runs() const;
  static void measure(std::vector<Measured>& all);

  loop::Worker& worker_;
  Supervisor& supervisor_;
  loop::Timer timer_;
  std::map<model::InstanceId, Pace> pace_;
  bool looking_ = false;
  bool stopped_ = false;
};

}  // namespace roost::daemon
