// The clone itself: a child of our parent (CLONE_PARENT) with our descriptor table, while the
// calling thread waits until it has exec'd or exited; or goes on, and is told.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/types.h>

// For what runs in the child: a sanitizer's view of stacks and threads does not fit a process that
// borrows another one's memory and never returns.
#ifdef __clang__
#define ROOST_NO_SANITIZE __attribute__((no_sanitize("address", "thread", "undefined")))
#else
#define ROOST_NO_SANITIZE \
  __attribute__((no_sanitize_address, no_sanitize_thread, no_sanitize_undefined))
#endif

namespace roost::daemon {

enum class ChildMemory : std::uint8_t {
  shared,  // the parent's own (as vfork): costs nothing, whatever the parent's size
  copied   // as fork: for a child that changes its user, and under ThreadSanitizer
};

// ThreadSanitizer cannot follow a borrowed address space.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kMayShareMemory = false;
#else
inline constexpr bool kMayShareMemory = true;
#endif

struct CloneCall {
  ChildMemory memory = ChildMemory::shared;
  int cgroup_fd = -1;             // directory of a cgroup v2 to be born in; -1 = the parent's
  int* pidfd = nullptr;           // where the pidfd goes before the child runs; in a shared mapping
  int (*child)(void*) = nullptr;  // raw system calls only; must not return when memory is shared
  void* argument = nullptr;
  std::span<std::byte> stack;  // for shared memory; 16-byte aligned ends
  // Not null: the caller goes on beside the child, with shared memory only. The kernel makes it 0
  // when the child has exec'd or exited, and wakes who waits there (CLONE_CHILD_CLEARTID). In a
  // shared mapping; all that the child uses must stay until then.
  std::atomic<int>* alive = nullptr;
};

// The child's pid, or -errno. All signals must be blocked by the caller.
[[nodiscard]] pid_t clone_child(const CloneCall& call);
// Until the child of CloneCall::alive has exec'd or exited.
void wait_for_child(std::atomic<int>& alive);

}  // namespace roost::daemon
