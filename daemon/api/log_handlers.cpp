// `app.logs` and `app.flush`.
#include <set>

#include "daemon/api/view.h"
#include "ipc/methods.h"

namespace roost::daemon {
namespace {

bool is_kept(const std::string& path) {
  return path != "/dev/null";
}

void handle_logs(Services& services, const ipc::TargetsRequest& request,
                 Responder<ipc::LogFilesReply> to) {
  const auto ids = services.supervisor.select(request.targets);
  if (!ids) return to.fail(ids.error());
  ipc::LogFilesReply reply;
  for (model::InstanceId id : *ids) {
    const Instance& instance = *services.supervisor.find(id);
    LogPaths paths = services.supervisor.log_paths(instance);
    if (!is_kept(paths.out) && !is_kept(paths.err) && !paths.both.empty())
      paths.out = paths.err = paths.both;
    reply.instances.push_back({.id = raw(id),
                               .name = instance.spec->name,
                               .slot = instance.slot,
                               .out_file = std::move(paths.out),
                               .error_file = std::move(paths.err),
                               .merged = paths.merged,
                               .log_type = instance.spec->log_type});
  }
  to.reply(reply);
}

ipc::FlushReply reply_of(const FlushReport& report) {
  ipc::FlushReply reply{report.files, report.bytes, {}};
  for (const LogProblem& problem : report.failed)
    reply.failed.push_back(errno_error(problem.path, problem.errnum).message);
  return reply;
}

void handle_flush(Services& services, const ipc::TargetsRequest& request,
                  Responder<ipc::FlushReply> to) {
  const auto ids = services.supervisor.select(request.targets);
  if (!ids) return to.fail(ids.error());
  std::set<std::string> paths;
  for (model::InstanceId id : *ids) {
    LogPaths files = services.supervisor.log_paths(*services.supervisor.find(id));
    paths.insert(std::move(files.out));
    paths.insert(std::move(files.err));
    if (!files.both.empty()) paths.insert(std::move(files.both));
  }
  std::vector<LogTarget> targets;
  for (const std::string& path : paths)
    targets.push_back({.path = path, .owner = {}});
  services.pump.flush(
      std::move(targets),
      [reply = answer(std::move(to))](const FlushReport& report) { reply(reply_of(report)); });
}

}  // namespace

void register_log_handlers(Dispatcher& dispatcher, Services& services) {
  dispatcher.on(ipc::kLogFiles, Dispatcher::Handler<ipc::TargetsRequest, ipc::LogFilesReply>(
                                    [&services](const ipc::TargetsRequest& request,
                                                Responder<ipc::LogFilesReply> to) {
                                      handle_logs(services, request, std::move(to));
                                    }));
  dispatcher.on(ipc::kFlush,
                Dispatcher::Handler<ipc::TargetsRequest, ipc::FlushReply>(
                    [&services](const ipc::TargetsRequest& request, Responder<ipc::FlushReply> to) {
                      handle_flush(services, request, std::move(to));
                    }));
}

}  // namespace roost::daemon
