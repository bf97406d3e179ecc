#include "ipc/version.h"

#include <unistd.h>

namespace roost::ipc {
namespace {

Error protocol_mismatch(std::string_view us, std::string_view them, std::string_view their_version,
                        std::uint32_t theirs) {
  Error error{Errc::protocol, {}, {}};
  error.message.append("this ").append(us).append(" is version ").append(this_version());
  error.message.append(" and speaks protocol ").append(std::to_string(kProtocol));
  error.message.append(", the ").append(them).append(" is version ").append(their_version);
  error.message.append(" and speaks protocol ").append(std::to_string(theirs));
  return error;
}

}  // namespace

bool is_in_every_protocol(std::string_view method) {
  return method == "daemon.ping" || method == "daemon.update" || method == "daemon.kill";
}

std::string_view this_version() {
  return ROOST_VERSION;
}

HelloRequest make_hello() {
  return HelloRequest{kProtocol, std::string(this_version()), ::getpid()};
}

Status check_hello(const HelloReply& reply) {
  if (reply.protocol == kProtocol) return ok();
  Error error = protocol_mismatch("roost", "running daemon", reply.version, reply.protocol);
  error.hint =
      reply.protocol < kProtocol
          ? "the daemon is older than this roost: 'roost update' replaces it; apps go on running"
          : "use the roost of version " + reply.version + " that was installed with the daemon";
  return error;
}

Status check_hello(const HelloRequest& request) {
  if (request.protocol == kProtocol) return ok();
  Error error = protocol_mismatch("daemon", "client", request.version, request.protocol);
  error.hint = "use a roost of version " + std::string(this_version());
  return error;
}

}  // namespace roost::ipc
