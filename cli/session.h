// What every command that talks to the daemon does: find the home, connect (starting the daemon
// when there is none), call.
#pragma once

#include "cli/invocation.h"
#include "core/base/result.h"
#include "ipc/client.h"
#include "ipc/methods.h"

namespace roost::cli {

[[nodiscard]] Result<ipc::Client> open_session();

// Connects and calls one method.
template <class Req, class Rep>
[[nodiscard]] Result<Rep> call(const ipc::Method<Req, Rep>& method, const Req& request) {
  auto client = open_session();
  if (!client) return std::move(client).error();
  return client->call(method, request);
}

}  // namespace roost::cli
