#include "cli/session.h"

#include "cli/launcher.h"
#include "ipc/paths.h"

namespace roost::cli {

Result<ipc::Client> open_session() {
  auto paths = ipc::paths_from_environment();
  if (!paths) return std::move(paths).error();
  return connect_or_launch(*paths);
}

std::optional<ipc::Client> open_quick_session() {
  auto paths = ipc::paths_from_environment();
  if (!paths) return std::nullopt;
  auto client = ipc::Client::connect_quickly(*paths);
  if (!client) return std::nullopt;
  return std::move(*client);
}

}  // namespace roost::cli
