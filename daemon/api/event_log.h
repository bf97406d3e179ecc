// EventLog: the last events of the Bus, in the words of the protocol, and who wants the coming
// ones. Lives as long as this daemon; recorded exits outlive it (state.db, `describe`). Loop
// thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>

#include "daemon/bus.h"
#include "daemon/supervisor/supervisor.h"
#include "ipc/messages/event_messages.h"

namespace roost::daemon {

class EventLog {
 public:
  EventLog(Bus& bus, const Supervisor& supervisor);

  using Wanted = std::function<bool(const ipc::EventInfo&)>;

  // The last `most` of those after `after_ms` that are wanted, oldest first.
  [[nodiscard]] std::vector<ipc::EventInfo> past(std::uint32_t most, WallMs after_ms,
                                                 const Wanted& wanted) const;

  using Listener = std::function<void(const ipc::EventInfo&)>;

  // Of what happens from now on, until unsubscribe().
  [[nodiscard]] std::uint64_t subscribe(Listener listener);

  void unsubscribe(std::uint64_t token) { listeners_.erase(token); }

 private:
  void add(const Event& event);

  const Supervisor& supervisor_;
  std::deque<ipc::EventInfo> events_;  // at most kEventsKept
  std::map<std::uint64_t, Listener> listeners_;
  std::uint64_t last_token_ = 0;
};

}  // namespace roost::daemon
