// What happens to apps, as it happens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/record.h"
#include "core/model/exit_status.h"

namespace roost::ipc {

struct EventInfo {
  std::int64_t time_ms = 0;
  std::string event;
  std::uint32_t id = 0;
  std::string name;
  std::string ns;
  std::uint32_t slot = 0;
  std::int32_t pid = 0;
  std::optional<model::ExitStatus> status;
  std::int64_t ran_for_ms = 0;
  std::string reason;
  static constexpr auto fields() {
    return std::tuple{req("time_ms", &EventInfo::time_ms, "when, ms since the epoch"),
                      req("event", &EventInfo::event, "added, held, scheduled, started, online, exit, start-failed, stopped or deleted"),
                      req("id", &EventInfo::id, "id of the instance"), req("name", &EventInfo::name, "name of the app"),
                      opt("namespace", &EventInfo::ns, "namespace of the app"),
                      opt("slot", &EventInfo::slot, "number within the app"),
                      opt("pid", &EventInfo::pid, "the process it is about; 0 without one"),
                      opt("status", &EventInfo::status, "exit: how it ended"),
                      opt("ran_for_ms", &EventInfo::ran_for_ms, "exit: how long it had run, ms"),
                      opt("reason", &EventInfo::reason, "what roost did about it, or why it failed, in words")};
  }
};

struct EventsRequest {
  std::vector<std::string> targets;
  std::uint32_t last = 0;
  std::int64_t after_ms = 0;
  bool follow = false;
  static constexpr auto fields() {
    return std::tuple{opt("targets", &EventsRequest::targets, "selectors; empty means all, those to come included"),
                      opt("last", &EventsRequest::last, "at most so many past events"),
                      opt("after_ms", &EventsRequest::after_ms, "only events after this time, ms since the epoch"),
                      opt("follow", &EventsRequest::follow, "go on with what comes: events of the request's id, one EventInfo each")};
  }
};

struct EventsReply {
  std::vector<EventInfo> events;
  static constexpr auto fields() { return std::tuple{req("events", &EventsReply::events, "past events, oldest first")}; }
};

}  // namespace roost::ipc
