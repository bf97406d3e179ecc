#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace roost {

bool expectation_failed(const char* condition, const char* why, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: broken expectation: %s (%s)\n", file, line, condition, why);
#ifdef ROOST_KILL_POINTS
  std::abort();
#endif
  return false;
}

void check_failed(const char* condition, const char* why, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: check failed: %s (%s)\n", file, line, condition, why);
  std::abort();
}

}  // namespace roost
