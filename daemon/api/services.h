// What the handlers work with, and the list of them. All members outlive the handlers.
#pragma once

#include <set>

#include "daemon/api/dispatcher.h"
#include "daemon/api/tree_usage.h"
#include "daemon/api/waits.h"
#include "daemon/logs/pump.h"
#include "daemon/policies/policies.h"
#include "daemon/supervisor/dependencies.h"
#include "daemon/supervisor/health.h"
#include "daemon/supervisor/supervisor.h"
#include "store/store.h"

namespace roost::daemon {

struct Services {
  loop::Loop& loop;
  Supervisor& supervisor;
  Waits& waits;
  Pump& pump;
  store::Store* store = nullptr;
  TreeUsage& usage;
  const Health& health;
  Dependencies& dependencies;
  Policies& policies;
  std::string user;     // name of the daemon's user
  std::string program;  // where roostd is installed
  int keeper_pid = 0;
  TimePoint started{};
  // Being stopped, to be forgotten then; not counted any more.
  std::set<model::InstanceId> leaving{};
  bool ending = false;              // everything is being stopped: nothing is started any more
  std::function<void()> begin_end;  // sets `ending`
  std::function<void()> quit;       // all apps are down and on record: end daemon and keeper
  // Makes the keeper run its installed program from now on; tells whether it does, or why not.
  std::function<void(std::function<void(const Status&)>)> renew_keeper;
  std::function<void()> step_down;  // end this daemon: the keeper starts the installed one
  std::function<std::size_t()> clients;
};

// Why nothing is started while Services::ending.
[[nodiscard]] inline Error everything_ends() {
  return {Errc::conflict, "everything is being stopped", "start it when roost has ended"};
}

void register_daemon_handlers(Dispatcher& dispatcher, Services& services);
void register_list_handlers(Dispatcher& dispatcher, Services& services);
void register_describe_handler(Dispatcher& dispatcher, Services& services);
void register_jobs_handler(Dispatcher& dispatcher, Services& services);
void register_start_handlers(Dispatcher& dispatcher, Services& services);
void register_stop_handlers(Dispatcher& dispatcher, Services& services);
void register_log_handlers(Dispatcher& dispatcher, Services& services);
void register_apply_handlers(Dispatcher& dispatcher, Services& services);
void register_history_handler(Dispatcher& dispatcher, Services& services);
void register_scale_handler(Dispatcher& dispatcher, Services& services);
void register_save_handlers(Dispatcher& dispatcher, Services& services);
void register_events_handler(Dispatcher& dispatcher, Services& services, Bus& bus);

}  // namespace roost::daemon
