#include "cli/session.h"

#include "cli/launcher.h"
#include "ipc/paths.h"

namespace roost::cli {

namespace {

// Through `connect`, and it finds the next daemon by itself.
Result<ipc::Client> open(Result<ipc::Client> (*connect)(const ipc::Paths&)) {
  auto paths = ipc::paths_from_environment();
  if (!paths) return std::move(paths).error();
  auto client = connect(*paths);
  if (client) revive_when_lost(*client, *paths);
  return client;
}

}  // namespace

Result<ipc::Client> open_session() {
  return open(connect_or_launch);
}

Result<ipc::Client> open_next_session() {
  return open(connect_again);
}

std::optional<ipc::Client> open_quick_session() {
  auto paths = ipc::paths_from_environment();
  if (!paths) return std::nullopt;
  auto client = ipc::Client::connect_quickly(*paths);
  if (!client) return std::nullopt;
  revive_when_lost(*client, *paths);
  return std::move(*client);
}

}  // namespace roost::cli
