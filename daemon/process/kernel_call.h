// System calls that answer -errno and leave errno alone: for a child that borrows the daemon's
// memory while the daemon goes on, errno being the memory of one of its threads.
#pragma once

#include <cerrno>
#include <type_traits>

#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/process/clone_call.h"

namespace roost::daemon {

#if defined(__x86_64__) || defined(__aarch64__)
inline constexpr bool kLeavesErrnoAlone = true;
#else
inline constexpr bool kLeavesErrnoAlone = false;
#endif

// The calling conventions are those of syscall(2), "Architecture calling conventions".
ROOST_NO_SANITIZE inline long kernel_call_words(long number, long a, long b, long c, long d,
                                                long e) {
#if defined(__x86_64__)
  long result = number;
  register long fourth asm("r10") = d;
  register long fifth asm("r8") = e;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
               : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long result asm("x0") = a;
  register long second asm("x1") = b;
  register long third asm("x2") = c;
  register long fourth asm("x3") = d;
  register long fifth asm("x4") = e;
  register long call asm("x8") = number;
  asm volatile("svc #0"
               : "+r"(result)
               : "r"(second), "r"(third), "r"(fourth), "r"(fifth), "r"(call)
               : "memory");
  return result;
#else
  const long result = ::syscall(number, a, b, c, d, e);
  return result < 0 ? -errno : result;
#endif
}

template <class Word>
ROOST_NO_SANITIZE inline long to_word(Word word) {
  if constexpr (std::is_pointer_v<Word> || std::is_null_pointer_v<Word>)
    return reinterpret_cast<long>(word);
  else
    return static_cast<long>(word);
}

// The result, or -errno. Pointers and whole numbers, at most five.
template <class... Words>
ROOST_NO_SANITIZE inline long kernel_call(long number, Words... words) {
  static_assert(sizeof...(words) <= 5);
  long all[5] = {to_word(words)...};
  return kernel_call_words(number, all[0], all[1], all[2], all[3], all[4]);
}

}  // namespace roost::daemon
