// `daemon.ping`, `daemon.stats` and `daemon.update`.
#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/api/services.h"
#include "ipc/methods.h"
#include "ipc/version.h"
#include "metrics/proc_reader.h"

namespace roost::daemon {
namespace {

// Whether the installed program is another file than the one that runs here, or none.
bool is_replaced(const std::string& installed) {
  struct stat running {};

  struct stat there {};

  if (::stat("/proc/self/exe", &running) != 0) return false;
  return ::stat(installed.c_str(), &there) != 0 || running.st_dev != there.st_dev ||
         running.st_ino != there.st_ino;
}

ipc::PingReply ping(const Services& services) {
  ipc::PingReply reply;
  reply.version = std::string(ipc::this_version());
  reply.pid = ::getpid();
  reply.keeper_pid = services.keeper_pid;
  reply.uptime_ms = to_ms(Monotonic::now() - services.started);
  reply.replaced = is_replaced(services.program);
  return reply;
}

// ---- stats

std::uint32_t open_descriptors() {
  DIR* dir = ::opendir("/proc/self/fd");
  if (dir == nullptr) return 0;
  std::uint32_t count = 0;
  while (const dirent* entry = ::readdir(dir))
    count += entry->d_name[0] != '.' ? 1 : 0;
  ::closedir(dir);
  return count - 1;  // the directory itself
}

std::int64_t cpu_ms(const metrics::ProcStat& stat) {
  return static_cast<std::int64_t>((stat.user_ticks + stat.system_ticks) * 1000 /
                                   metrics::ticks_per_second());
}

std::int64_t to_us(Duration d) {
  return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}

void add_processes(ipc::DaemonStats& stats) {
  if (const auto own = metrics::read_stat(stats.pid)) {
    stats.memory = own->stat.rss_pages * metrics::page_bytes();
    stats.cpu_ms = cpu_ms(own->stat);
    stats.threads = own->stat.threads;
  }
  if (const auto keeper = metrics::read_stat(stats.keeper_pid)) {
    stats.keeper_memory = keeper->stat.rss_pages * metrics::page_bytes();
    stats.keeper_cpu_ms = cpu_ms(keeper->stat);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.descriptor_limit = limit.rlim_cur;
  stats.descriptors = open_descriptors();
}

void add_parts(const Services& services, ipc::DaemonStats& stats) {
  const Supervisor& supervisor = services.supervisor;
  stats.keeper_slots = static_cast<std::uint32_t>(supervisor.most_instances());
  stats.apps = static_cast<std::uint32_t>(supervisor.book().apps().size());
  stats.instances = static_cast<std::uint32_t>(supervisor.instances().size());
  stats.runs = static_cast<std::uint32_t>(supervisor.runs().size());
  stats.clients = static_cast<std::uint32_t>(services.clients());
  const loop::Loop::Lag lag = services.loop.lag();
  stats.loop_lag_us = to_us(lag.recent);
  stats.loop_lag_max_us = to_us(lag.longest);
  const PumpStats pump = services.pump.stats();
  stats.log_bytes = pump.bytes;
  stats.log_discarded = pump.discarded;
  stats.log_streams = pump.streams;
  stats.log_files = pump.open_files;
  stats.log_files_stopped = pump.stopped_files;
  if (services.store == nullptr) return;
  const store::Stats store = services.store->stats();
  stats.store_queued = store.queued;
  stats.store_commits = store.commits;
  stats.store_failed = store.failed_commits;
  stats.store_dropped = store.dropped_exits;
  stats.store_slowest_us = to_us(store.slowest_commit);
  stats.store_error = store.last_error;
}

ipc::DaemonStats stats_of(const Services& services) {
  ipc::DaemonStats stats;
  stats.version = std::string(ipc::this_version());
  stats.pid = ::getpid();
  stats.keeper_pid = services.keeper_pid;
  stats.uptime_ms = to_ms(Monotonic::now() - services.started);
  add_processes(stats);
  add_parts(services, stats);
  return stats;
}

// ---- update

// The keeper first: it takes the daemon before back when the new one does not live.
void handle_update(Services& services, Responder<ipc::UpdateReply> to) {
  if (services.ending) return to.fail(everything_ends());
  services.renew_keeper([&services, done = answer(std::move(to))](const Status& renewed) {
    ipc::UpdateReply reply;
    reply.keeper_replaced = renewed.has_value();
    if (!renewed) reply.keeper_error = renewed.error().message;
    done(reply);
    services.supervisor.when_saved([&services](const Status&) {
      if (!services.ending) services.step_down();
    });
  });
}

}  // namespace

void register_daemon_handlers(Dispatcher& dispatcher, Services& services) {
  dispatcher.on(ipc::kPing,
                Dispatcher::Handler<ipc::EmptyRequest, ipc::PingReply>(
                    [&services](const ipc::EmptyRequest&, Responder<ipc::PingReply> to) {
                      to.reply(ping(services));
                    }));
  dispatcher.on(ipc::kStats,
                Dispatcher::Handler<ipc::EmptyRequest, ipc::DaemonStats>(
                    [&services](const ipc::EmptyRequest&, Responder<ipc::DaemonStats> to) {
                      to.reply(stats_of(services));
                    }));
  dispatcher.on(ipc::kUpdate,
                Dispatcher::Handler<ipc::EmptyRequest, ipc::UpdateReply>(
                    [&services](const ipc::EmptyRequest&, Responder<ipc::UpdateReply> to) {
                      handle_update(services, std::move(to));
                    }));
}

}  // namespace roost::daemon
