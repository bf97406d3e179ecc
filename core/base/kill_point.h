// Named points at which a test can make the process die as if by kill -9 (ROOST_DIE_AT=name[:N],
// the N-th passage). Compiled to nothing without ROOST_KILL_POINTS. Names are listed in
// docs/design/kill-points.md.
#pragma once

namespace roost {
#ifdef ROOST_KILL_POINTS
void kill_point(const char* name);
#else
inline void kill_point(const char*) {}
#endif
}  // namespace roost
