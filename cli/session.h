// What every command that talks to the daemon does: find the home, connect (starting the daemon
// when there is none), call.
#pragma once

#include <optional>

#include "cli/invocation.h"
#include "core/base/result.h"
#include "ipc/client.h"
#include "ipc/methods.h"

namespace roost::cli {

[[nodiscard]] Result<ipc::Client> open_session();
// For who had one that has come to its end. Errc::unavailable: the daemon was ended, too.
[[nodiscard]] Result<ipc::Client> open_next_session();
// Nothing when nobody listens.
[[nodiscard]] std::optional<ipc::Client> open_quick_session();

// Connects and lets `use` make its one call, of a method with this `retry`; in the quick way where
// that is possible.
template <class Use>
[[nodiscard]] auto with_session(ipc::Retry retry, const Use& use)
    -> decltype(use(std::declval<ipc::Client&>())) {
  if (retry == ipc::Retry::safe) {
    if (std::optional<ipc::Client> quick = open_quick_session()) {
      auto result = use(*quick);
      if (result || quick->is_greeted() || result.error().code != Errc::io) return result;
    }
  }
  auto client = open_session();
  if (!client) return std::move(client).error();
  return use(*client);
}

// Connects and calls one method.
template <class Req, class Rep>
[[nodiscard]] Result<Rep> call(const ipc::Method<Req, Rep>& method, const Req& request) {
  return with_session(method.retry,
                      [&](ipc::Client& client) { return client.call(method, request); });
}

}  // namespace roost::cli
