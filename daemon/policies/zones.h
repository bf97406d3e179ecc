// Zones: the time zones of schedules. Their files are read on a thread of the pool, once each: the
// loop does not wait for a disk. Loop thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/loop/worker.h"
#include "core/model/time_zone.h"

namespace roost::daemon {

class Zones {
 public:
  using ZonePtr = std::shared_ptr<const model::TimeZone>;

  // `on_known`: another zone is known now. The worker outlives this.
  Zones(loop::Worker& worker, std::function<void()> on_known);

  // Of that name; empty: the machine's own. Null: not read yet, and on_known tells. One that cannot
  // be read is UTC, which is said.
  [[nodiscard]] ZonePtr find(const std::string& name);

 private:
  void read(const std::string& name);

  loop::Worker& worker_;
  std::function<void()> on_known_;
  std::map<std::string, ZonePtr> known_;
  std::set<std::string> reading_;
};

}  // namespace roost::daemon
