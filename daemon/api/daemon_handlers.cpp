#include <unistd.h>

#include "daemon/api/services.h"
#include "ipc/methods.h"
#include "ipc/version.h"

namespace roost::daemon {

void register_daemon_handlers(Dispatcher& dispatcher, Services& services) {
  dispatcher.on(ipc::kPing,
                Dispatcher::Handler<ipc::EmptyRequest, ipc::PingReply>(
                    [&services](const ipc::EmptyRequest&, Responder<ipc::PingReply> to) {
                      ipc::PingReply reply;
                      reply.version = std::string(ipc::this_version());
                      reply.pid = ::getpid();
                      reply.keeper_pid = services.keeper_pid;
                      reply.uptime_ms = to_ms(Monotonic::now() - services.started);
                      to.reply(reply);
                    }));
}

}  // namespace roost::daemon
