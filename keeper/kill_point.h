// The keeper's own copy of core/base/kill_point.h (the keeper links nothing of ours), without the
// counter: ROOST_DIE_AT=name makes the keeper die there as if by kill -9; with ROOST_DIE_ONCE=file
// only while that file exists, which is removed first. Compiled to nothing in product builds.
#pragma once

namespace roost::keeper {
#ifdef ROOST_KILL_POINTS
void kill_point(const char* name);
#else
inline void kill_point(const char* /*name*/) {}
#endif
}  // namespace roost::keeper
