// Policies: what restarts apps that run well: their cron_restart, changed files, too much memory.
// And what runs jobs.
// Loop thread.
#pragma once

#include <set>
#include <string>

#include "daemon/bus.h"
#include "daemon/policies/cron_restarts.h"
#include "daemon/policies/file_watch.h"
#include "daemon/policies/jobs.h"
#include "daemon/policies/memory_limits.h"

namespace roost::daemon {

class Policies {
 public:
  // All of them outlive this. `home`: changes in it do not count.
  Policies(loop::Loop& loop, loop::Worker& worker, Bus& bus, Supervisor& supervisor,
           std::string home);
  ~Policies();
  Policies(const Policies&) = delete;
  Policies& operator=(const Policies&) = delete;

  // The apps are all there; from now on the bus tells of changes.
  void start();
  // Nothing is restarted any more: everything ends.
  void stop();

  // Calls `done` as soon as it is known when this job runs next.
  void when_known(model::InstanceId job, std::function<void()> done);

  [[nodiscard]] const Jobs& jobs() const { return jobs_; }

  [[nodiscard]] const FileWatch& files() const { return files_; }

 private:
  void on_event(const Event& event);
  void look_soon();
  void sync();
  void sync_files();
  void restart_changed(model::AppId app, const std::string& what);

  Bus& bus_;
  Supervisor& supervisor_;
  std::string home_;
  Zones zones_;
  CronRestarts cron_;
  Jobs jobs_;
  MemoryLimits memory_;
  FileWatch files_;
  loop::Timer soon_;                      // one look for all that has happened
  std::set<model::InstanceId> followed_;  // have something that restarts them, at the last look
  Bus::Token token_ = 0;
};

}  // namespace roost::daemon
