#include "cli/session.h"

#include "cli/launcher.h"
#include "ipc/paths.h"

namespace roost::cli {

Result<ipc::Client> open_session() {
  auto paths = ipc::paths_from_environment();
  if (!paths) return std::move(paths).error();
  return connect_or_launch(*paths);
}

}  // namespace roost::cli
