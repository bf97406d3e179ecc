// Starts roost-keeper as a process of its own: new session, no terminal, no descriptor but the
// lock.
#pragma once

#include <string>

#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "ipc/paths.h"

namespace roost::cli {

struct Programs {
  std::string keeper;
  std::string daemon;
};

// They lie beside this program. Errc::unavailable names what is missing.
[[nodiscard]] Result<Programs> find_programs();

// Success: the keeper has been executed and holds `lock`. Its parent is init, its umask and limits
// are those of this process: it records them for the apps.
[[nodiscard]] Status start_keeper(const Programs& programs, const ipc::Paths& paths, UniqueFd lock);

// Errc::conflict where this process's limits leave roost too little.
[[nodiscard]] Status check_limits();

// Errc::conflict on a kernel that lacks what roost needs.
[[nodiscard]] Status check_kernel();

}  // namespace roost::cli
