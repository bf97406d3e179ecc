#include <unistd.h>

#include "daemon/api/view.h"
#include "ipc/methods.h"

namespace roost::daemon {

void register_list_handlers(Dispatcher& dispatcher, Services& services) {
  dispatcher.on(ipc::kList,
                Dispatcher::Handler<ipc::TargetsRequest, ipc::ListReply>(
                    [&services](const ipc::TargetsRequest& request, Responder<ipc::ListReply> to) {
                      const auto ids = services.supervisor.select(request.targets);
                      if (!ids) return to.fail(ids.error());
                      ipc::ListReply reply;
                      for (model::InstanceId id : *ids) {
                        const Instance& instance = *services.supervisor.find(id);
                        reply.instances.push_back(view_of(services, instance));
                        reply.suspended = reply.suspended || instance.resume;
                      }
                      to.reply(reply);
                    }));
  dispatcher.on(
      ipc::kLogFiles,
      Dispatcher::Handler<ipc::TargetsRequest, ipc::LogFilesReply>(
          [&services](const ipc::TargetsRequest& request, Responder<ipc::LogFilesReply> to) {
            const auto ids = services.supervisor.select(request.targets);
            if (!ids) return to.fail(ids.error());
            ipc::LogFilesReply reply;
            for (model::InstanceId id : *ids) {
              const Instance& instance = *services.supervisor.find(id);
              LogPaths paths = services.supervisor.log_paths(instance);
              reply.instances.push_back({raw(id), instance.spec->name, instance.slot,
                                         std::move(paths.out), std::move(paths.err)});
            }
            to.reply(reply);
          }));
  dispatcher.on(ipc::kJlist,
                Dispatcher::Handler<ipc::EmptyRequest, ipc::EmptyRequest>(
                    [&services](const ipc::EmptyRequest&, Responder<ipc::EmptyRequest> to) {
                      to.document(render_jlist(services));
                    }));
}

}  // namespace roost::daemon
