// What the handlers work with, and the list of them. All members outlive the handlers.
#pragma once

#include "daemon/api/dispatcher.h"
#include "daemon/api/waits.h"
#include "daemon/logs/pump.h"
#include "daemon/supervisor/supervisor.h"
#include "metrics/sampler.h"
#include "store/store.h"

namespace roost::daemon {

struct Services {
  loop::Loop& loop;
  Supervisor& supervisor;
  Waits& waits;
  Pump& pump;
  store::Store* store = nullptr;
  metrics::Sampler& sampler;
  std::string user;  // name of the daemon's user
  int keeper_pid = 0;
  TimePoint started{};
  bool ending = false;         // everything is being stopped: nothing is started any more
  std::function<void()> quit;  // all apps are down and on record: end daemon and keeper
};

void register_daemon_handlers(Dispatcher& dispatcher, Services& services);
void register_list_handlers(Dispatcher& dispatcher, Services& services);
void register_describe_handler(Dispatcher& dispatcher, Services& services);
void register_start_handlers(Dispatcher& dispatcher, Services& services);
void register_stop_handlers(Dispatcher& dispatcher, Services& services);

}  // namespace roost::daemon
