// The first exchange on every connection. Both sides say which protocol they speak; the client
// decides whether it goes on. hello itself never changes incompatibly: fields are only added.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "core/base/record.h"
#include "core/base/result.h"
#include "ipc/method.h"

namespace roost::ipc {

// Raised when an old peer would misunderstand a new one; added methods and optional fields do not
// raise it.
inline constexpr std::uint32_t kProtocol = 1;

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

// ROOST_VERSION of this build.
[[nodiscard]] std::string_view this_version();
[[nodiscard]] HelloRequest make_hello();
// Errc::protocol with a hint that tells what to do, when the daemon speaks something else.
[[nodiscard]] Status check_hello(const HelloReply& reply);
// The same, as the daemon sees it; its text is the error reply to a client that must not go on.
[[nodiscard]] Status check_hello(const HelloRequest& request);

}  // namespace roost::ipc
