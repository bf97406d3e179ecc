// A keeper that lives although its home does not say so: somebody has deleted the home under it.
#pragma once

#include <string>

#include <sys/types.h>

namespace roost::cli {

// Of this user and this home, found in /proc by its command line; 0 when there is none. A few
// microseconds per process of the machine.
[[nodiscard]] pid_t find_keeper(const std::string& home);

}  // namespace roost::cli
