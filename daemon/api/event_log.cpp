#include "daemon/api/event_log.h"

#include <algorithm>

namespace roost::daemon {
namespace {

std::string_view name_of(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::added:
      return "added";
    case Event::Kind::enrolled:
      return "scheduled";
    case Event::Kind::started:
      return "started";
    case Event::Kind::online:
      return "online";
    case Event::Kind::held:
      return "held";
    case Event::Kind::spawn_failed:
      return "start-failed";
    case Event::Kind::run_over:
      return "exit";
    case Event::Kind::stopped:
      return "stopped";
    case Event::Kind::deleted:
      return "deleted";
  }
  return {};
}

}  // namespace

EventLog::EventLog(Bus& bus, const Supervisor& supervisor) : supervisor_(supervisor) {
  (void)bus.subscribe([this](const Event& event) { add(event); });  // for good
}

void EventLog::add(const Event& event) {
  if (event.kind == Event::Kind::held && !event.failure.empty()) return;  // told before, in others
  if (event.kind == Event::Kind::stopped && supervisor_.find(event.instance) == nullptr)
    return;  // it was deleted, and that is told
  ipc::EventInfo info;
  info.time_ms = wall_now_ms() - to_ms(event.ago);
  info.event = name_of(event.kind);
  info.id = raw(event.instance);
  info.name = event.name;
  info.ns = event.ns;
  info.slot = event.slot;
  info.pid = event.pid;
  info.reason = event.reason;
  if (event.kind == Event::Kind::run_over) {
    info.status = event.status;
    info.ran_for_ms = to_ms(event.ran_for);
  }
  if (const Instance* instance = supervisor_.find(event.instance);
      instance != nullptr && event.kind != Event::Kind::deleted) {
    info.name = instance->spec->name;
    info.ns = instance->spec->ns;
    info.slot = instance->slot;
  }
  events_.push_back(std::move(info));
  if (events_.size() > model::limits::kEventsKept) events_.pop_front();
  if (listeners_.empty()) return;
  const ipc::EventInfo newest = events_.back();
  const auto listeners = listeners_;
  for (const auto& [token, listener] : listeners)
    listener(newest);
}

std::vector<ipc::EventInfo> EventLog::past(std::uint32_t most, WallMs after_ms,
                                           const Wanted& wanted) const {
  std::vector<ipc::EventInfo> found;
  for (auto it = events_.rbegin(); it != events_.rend() && found.size() < most; ++it)
    if (it->time_ms > after_ms && wanted(*it)) found.push_back(*it);
  std::reverse(found.begin(), found.end());
  return found;
}

std::uint64_t EventLog::subscribe(Listener listener) {
  listeners_.emplace(++last_token_, std::move(listener));
  return last_token_;
}

}  // namespace roost::daemon
