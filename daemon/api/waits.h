// Waits: requests that are answered when something has come about, keyed by instance ids. Fed by
// the Bus, never by polling. Loop thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/bus.h"
#include "daemon/supervisor/supervisor.h"

namespace roost::daemon {

// What became of an instance that was started.
struct StartFact {
  bool ok = false;
  model::RunId run{};  // the one that proved itself, or failed
  std::string error;
};

// What the end of an instance took.
struct DownFact {
  int processes = 0;
  int killed = 0;
};

class Waits {
 public:
  using Started = std::function<void(std::map<model::InstanceId, StartFact>)>;
  using Down = std::function<void(std::map<model::InstanceId, DownFact>)>;

  Waits(Bus& bus, const Supervisor& supervisor) : bus_(bus), supervisor_(supervisor) {}

  // When each has proved itself or failed once. Call right after starting them.
  void until_started(const std::vector<model::InstanceId>& ids, Started done);
  // When none has a process. Call right after stopping them.
  void until_down(const std::vector<model::InstanceId>& ids, Down done);

 private:
  Bus& bus_;
  const Supervisor& supervisor_;
};

}  // namespace roost::daemon
