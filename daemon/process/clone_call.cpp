#include "daemon/process/clone_call.h"

#include <cerrno>

#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace roost::daemon {
namespace {

std::uint64_t flags_of(const CloneCall& call) {
  std::uint64_t flags = CLONE_PARENT | CLONE_FILES | CLONE_PIDFD;
  flags |= call.alive != nullptr ? CLONE_CHILD_CLEARTID : CLONE_VFORK;
  if (call.memory == ChildMemory::shared) flags |= CLONE_VM;
  return flags;
}

// Never comes back in the child: exit, not exit_group's library form, and no destructors.
[[noreturn]] ROOST_NO_SANITIZE void leave(int status) {
  while (true)
    ::syscall(SYS_exit_group, status);
}

// clone3 with a stack of its own: glibc has no wrapper, since the child must not return into the
// caller's frame. The kernel keeps all registers but the result's (and rcx, r11 on x86).
#if defined(__x86_64__)
#define ROOST_CLONE3_ON_STACK 1

ROOST_NO_SANITIZE long clone3_on_stack(clone_args* args, const CloneCall& call) {
  long result = SYS_clone3;
  register int (*child)(void*) asm("r8") = call.child;
  register void* argument asm("r9") = call.argument;
  asm volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "movq %%r9, %%rdi\n\t"
      "callq *%%r8\n\t"
      "hlt\n\t"
      "1:"
      : "+a"(result)
      : "D"(args), "S"(sizeof *args), "r"(child), "r"(argument)
      : "rcx", "r11", "memory", "cc");
  return result;
}

#elif defined(__aarch64__)
#define ROOST_CLONE3_ON_STACK 1

ROOST_NO_SANITIZE long clone3_on_stack(clone_args* args, const CloneCall& call) {
  register long result asm("x0") = reinterpret_cast<long>(args);
  register long size asm("x1") = sizeof *args;
  register long number asm("x8") = SYS_clone3;
  register int (*child)(void*) asm("x10") = call.child;
  register void* argument asm("x11") = call.argument;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, #0\n\t"
      "mov x0, x11\n\t"
      "blr x10\n\t"
      "brk #1\n\t"
      "1:"
      : "+r"(result)
      : "r"(size), "r"(number), "r"(child), "r"(argument)
      : "memory", "cc");
  return result;
}
#endif

clone_args make_args(const CloneCall& call) {
  clone_args args{};
  args.flags = flags_of(call);
  args.pidfd = reinterpret_cast<std::uint64_t>(call.pidfd);
  args.child_tid = reinterpret_cast<std::uint64_t>(call.alive);
  if (call.memory == ChildMemory::shared) {
    args.stack = reinterpret_cast<std::uint64_t>(call.stack.data());
    args.stack_size = call.stack.size();
  }
  if (call.cgroup_fd >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(call.cgroup_fd);
  }
  return args;
}

ROOST_NO_SANITIZE pid_t clone_copied(const CloneCall& call) {
  clone_args args = make_args(call);
  const long pid = call.cgroup_fd >= 0
                       ? ::syscall(SYS_clone3, &args, sizeof args)
                       : ::syscall(SYS_clone, static_cast<unsigned long>(flags_of(call)), nullptr,
                                   call.pidfd, 0UL, 0UL);
  if (pid == 0) leave(call.child(call.argument));
  return pid < 0 ? -errno : static_cast<pid_t>(pid);
}

pid_t clone_shared(const CloneCall& call) {
#ifdef ROOST_CLONE3_ON_STACK
  if (call.cgroup_fd >= 0) {
    clone_args args = make_args(call);
    return static_cast<pid_t>(clone3_on_stack(&args, call));
  }
#else
  if (call.cgroup_fd >= 0) return -ENOSYS;
#endif
  const int pid =
      ::clone(call.child, call.stack.data() + call.stack.size(), static_cast<int>(flags_of(call)),
              call.argument, call.pidfd, nullptr, call.alive);
  return pid < 0 ? -errno : pid;
}

}  // namespace

pid_t clone_child(const CloneCall& call) {
  switch (call.memory) {
    case ChildMemory::shared:
      return clone_shared(call);
    case ChildMemory::copied:
      return clone_copied(call);
  }
  return -EINVAL;
}

void wait_for_child(std::atomic<int>& alive) {
  static_assert(std::atomic<int>::is_always_lock_free);
  for (int value = alive; value != 0; value = alive)
    ::syscall(SYS_futex, &alive, FUTEX_WAIT, value, nullptr, nullptr, 0);
}

}  // namespace roost::daemon
