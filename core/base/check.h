// ROOST_EXPECT: what only a bug can break. Fatal in test builds (ROOST_KILL_POINTS), logged to
// stderr and survived otherwise. ROOST_CHECK: going on would corrupt data or signal the wrong
// process; always fatal. Neither is for input.
#pragma once

namespace roost {
// Reports a broken expectation; returns false so that it can stand in a condition.
bool expectation_failed(const char* condition, const char* why, const char* file, int line);
[[noreturn]] void check_failed(const char* condition, const char* why, const char* file, int line);
}  // namespace roost

#define ROOST_EXPECT(condition, why) \
  (static_cast<bool>(condition) || ::roost::expectation_failed(#condition, why, __FILE__, __LINE__))
#define ROOST_CHECK(condition, why)      \
  (static_cast<bool>(condition) ? void() \
                                : ::roost::check_failed(#condition, why, __FILE__, __LINE__))
