#include "core/base/kill_point.h"

#ifdef ROOST_KILL_POINTS
#include <atomic>
#include <cstdlib>
#include <cstring>

#include <signal.h>
#include <unistd.h>

namespace roost {
namespace {
// ROOST_DIE_AT=name[:N]. ROOST_DIE_ONCE=file: passages count only while that file exists, and it is
// removed first, so that a test can bring everything up before it arms the point, and the next
// daemon, which inherits the same environment, goes on.
bool armed_for(const char* name) {
  static const char* spec = std::getenv("ROOST_DIE_AT");
  if (spec == nullptr) return false;
  const char* colon = std::strchr(spec, ':');
  const std::size_t length =
      colon != nullptr ? static_cast<std::size_t>(colon - spec) : std::strlen(spec);
  if (std::strncmp(spec, name, length) != 0 || name[length] != '\0') return false;
  const char* once = std::getenv("ROOST_DIE_ONCE");
  if (once != nullptr && ::access(once, F_OK) != 0) return false;
  static std::atomic<int> passages{0};
  return passages.fetch_add(1) + 1 == (colon != nullptr ? std::atoi(colon + 1) : 1);
}
}  // namespace

void kill_point(const char* name) {
  if (!armed_for(name)) return;
  const char* once = std::getenv("ROOST_DIE_ONCE");
  if (once != nullptr && ::unlink(once) != 0) return;
  ::kill(::getpid(), SIGKILL);
}

}  // namespace roost
#endif
