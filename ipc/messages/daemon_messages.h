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
  bool replaced = false;
  static constexpr auto fields() {
    return std::tuple{req("version", &PingReply::version, "version of the daemon"), req("pid", &PingReply::pid, "pid of the daemon"),
                      req("keeper_pid", &PingReply::keeper_pid, "pid of the keeper"),
                      req("uptime_ms", &PingReply::uptime_ms, "age of this daemon, ms"),
                      opt("replaced", &PingReply::replaced, "its file is not the installed one any more")};
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

struct SaveReply {
  std::uint32_t apps = 0;
  std::uint32_t up = 0;
  static constexpr auto fields() {
    return std::tuple{req("apps", &SaveReply::apps, "apps on the saved list"), req("up", &SaveReply::up, "of these, how many resurrect starts")};
  }
};

struct UpdateReply {
  bool keeper_replaced = false;
  std::string keeper_error;
  static constexpr auto fields() {
    return std::tuple{req("keeper_replaced", &UpdateReply::keeper_replaced, "the keeper runs the installed program now"),
                      opt("keeper_error", &UpdateReply::keeper_error, "why it does not; the one before goes on")};
  }
};

// What the daemon and its keeper use themselves.
struct DaemonStats {
  std::string version;
  std::int32_t pid = 0;
  std::int32_t keeper_pid = 0;
  std::int64_t uptime_ms = 0;
  std::uint64_t memory = 0;
  std::uint64_t keeper_memory = 0;
  std::int64_t cpu_ms = 0;
  std::int64_t keeper_cpu_ms = 0;
  std::uint32_t threads = 0;
  std::uint32_t descriptors = 0;
  std::uint64_t descriptor_limit = 0;
  std::uint32_t keeper_slots = 0;
  std::uint32_t apps = 0;
  std::uint32_t instances = 0;
  std::uint32_t runs = 0;
  std::uint32_t clients = 0;
  std::int64_t loop_lag_us = 0;
  std::int64_t loop_lag_max_us = 0;
  std::uint64_t log_bytes = 0;
  std::uint64_t log_discarded = 0;
  std::uint32_t log_streams = 0;
  std::uint32_t log_files = 0;
  std::uint32_t log_files_stopped = 0;
  std::uint64_t store_queued = 0;
  std::uint64_t store_commits = 0;
  std::uint64_t store_failed = 0;
  std::uint64_t store_dropped = 0;
  std::int64_t store_slowest_us = 0;
  std::string store_error;
  static constexpr auto fields() {
    return std::tuple{req("version", &DaemonStats::version, "version of the daemon"), req("pid", &DaemonStats::pid, "pid of the daemon"),
                      req("keeper_pid", &DaemonStats::keeper_pid, "pid of the keeper"),
                      req("uptime_ms", &DaemonStats::uptime_ms, "age of this daemon, ms"),
                      req("memory", &DaemonStats::memory, "resident memory of the daemon, bytes"),
                      req("keeper_memory", &DaemonStats::keeper_memory, "resident memory of the keeper, bytes"),
                      req("cpu_ms", &DaemonStats::cpu_ms, "processor time of this daemon so far, ms"),
                      req("keeper_cpu_ms", &DaemonStats::keeper_cpu_ms, "processor time of the keeper so far, ms"),
                      req("threads", &DaemonStats::threads, "threads of the daemon"),
                      req("descriptors", &DaemonStats::descriptors, "open file descriptors of the daemon"),
                      req("descriptor_limit", &DaemonStats::descriptor_limit, "how many it may open"),
                      req("keeper_slots", &DaemonStats::keeper_slots, "runs that the descriptors leave room for"),
                      req("apps", &DaemonStats::apps, "apps"), req("instances", &DaemonStats::instances, "instances of them"),
                      req("runs", &DaemonStats::runs, "processes supervised, and exits not yet on record"),
                      req("clients", &DaemonStats::clients, "connections, this one included"),
                      req("loop_lag_us", &DaemonStats::loop_lag_us, "longest turn of the event loop in the last minute, us"),
                      req("loop_lag_max_us", &DaemonStats::loop_lag_max_us, "longest turn since the daemon serves, us"),
                      req("log_bytes", &DaemonStats::log_bytes, "output moved so far, bytes"),
                      req("log_discarded", &DaemonStats::log_discarded, "output not written because a file was refused, bytes"),
                      req("log_streams", &DaemonStats::log_streams, "output streams attached"),
                      req("log_files", &DaemonStats::log_files, "log files open"),
                      req("log_files_stopped", &DaemonStats::log_files_stopped, "log files that cannot be written now: their apps wait"),
                      req("store_queued", &DaemonStats::store_queued, "changes on their way to state.db"),
                      req("store_commits", &DaemonStats::store_commits, "transactions so far"),
                      req("store_failed", &DaemonStats::store_failed, "transactions that failed and were tried again"),
                      req("store_dropped", &DaemonStats::store_dropped, "exits left out of the history because the disk did not keep up"),
                      req("store_slowest_us", &DaemonStats::store_slowest_us, "slowest transaction, us"),
                      opt("store_error", &DaemonStats::store_error, "why state.db cannot be written now")};
  }
};

}  // namespace roost::ipc
