// The first exchange on every connection. Both sides say which protocol they speak; the client
// decides whether it goes on. hello itself never changes incompatibly: fields are only added. Nor
// do the methods by which any roost can replace or end any daemon.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "core/base/record.h"
#include "core/base/result.h"
#include "ipc/method.h"

namespace roost::ipc {

// Raised when an old peer would misunderstand a new one; added methods and optional fields do not
// raise it. Given by the build for the daemons that the tests of updates change to.
#ifndef ROOST_IPC_PROTOCOL
#define ROOST_IPC_PROTOCOL 1
#endif
inline constexpr std::uint32_t kProtocol = ROOST_IPC_PROTOCOL;

struct HelloRequest {
  std::uint32_t protocol = kProtocol;
  std::string version;
  std::int32_t pid = 0;

  static constexpr auto fields() {
    return std::tuple{req("protocol", &HelloRequest::protocol, "protocol the client speaks"),
                      req("version", &HelloRequest::version, "version of the client"),
                      req("pid", &HelloRequest::pid, "process id of the client")};
  }
};

struct HelloReply {
  std::uint32_t protocol = kProtocol;
  std::string version;
  std::int32_t pid = 0;
  std::int32_t keeper_pid = 0;

  static constexpr auto fields() {
    return std::tuple{req("protocol", &HelloReply::protocol, "protocol the daemon speaks"),
                      req("version", &HelloReply::version, "version of the daemon"),
                      req("pid", &HelloReply::pid, "process id of the daemon"),
                      opt("keeper_pid", &HelloReply::keeper_pid, "process id of the keeper")};
  }
};

// Not in kMethods: the session itself answers it, before anything else is allowed.
inline constexpr Method<HelloRequest, HelloReply> kHello{
    "hello", "Tell who is there, first on every connection", Kind::call, Retry::safe};

// daemon.ping, daemon.update and daemon.kill: their requests are empty, and of their replies what is
// there now is never changed.
[[nodiscard]] bool is_in_every_protocol(std::string_view method);

// ROOST_VERSION of this build.
[[nodiscard]] std::string_view this_version();
[[nodiscard]] HelloRequest make_hello();
// Errc::protocol with a hint that tells what to do, when the daemon speaks something else.
[[nodiscard]] Status check_hello(const HelloReply& reply);
// The same, as the daemon sees it; its text is the error reply to a client that goes on all the
// same, with a method that is not in every protocol.
[[nodiscard]] Status check_hello(const HelloRequest& request);

}  // namespace roost::ipc
