// Requests and replies about the daemon itself. The hello exchange is in ipc/version.h.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/record.h"

namespace roost::ipc {

struct EmptyRequest {
  static constexpr auto fields() { return std::tuple{}; }
};

struct PingReply {
  std::string version;
  std::int32_t pid = 0;
  std::int32_t keeper_pid = 0;
  std::int64_t uptime_ms = 0;
  static constexpr auto fields() {
    return std::tuple{req("version", &PingReply::version, "version of the daemon"), req("pid", &PingReply::pid, "pid of the daemon"),
                      req("keeper_pid", &PingReply::keeper_pid, "pid of the keeper"),
                      req("uptime_ms", &PingReply::uptime_ms, "age of this daemon, ms")};
  }
};

struct KillReply {
  std::uint32_t stopped = 0;
  std::uint32_t killed = 0;
  static constexpr auto fields() {
    return std::tuple{req("stopped", &KillReply::stopped, "instances stopped"),
                      req("killed", &KillReply::killed, "processes that needed SIGKILL")};
  }
};

}  // namespace roost::ipc
