#include "daemon/process/spawn_child.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/base/kill_point.h"
#include "daemon/process/clone_call.h"
#include "daemon/process/kernel_call.h"
#include "daemon/process/run_key.h"

namespace roost::daemon {
namespace {

constexpr int kExecFailed = 127;
constexpr std::size_t kKernelSigsetBytes = 8;
constexpr int kRegisterTries = 5000;  // a millisecond each: the keeper is never that busy

ROOST_NO_SANITIZE void ring(int bell) {
  const std::uint64_t once = 1;
  if (bell >= 0) kernel_call(SYS_write, bell, &once, sizeof once);
}

// `error` is negative, as the kernel has it.
ROOST_NO_SANITIZE int fail(const ChildPlan& plan, SpawnStage stage, long error) {
  plan.report->stage = stage;
  plan.report->errnum = static_cast<int>(-error);
  ring(plan.loop_bell);
  while (true)
    kernel_call(SYS_exit_group, kExecFailed);
}

// Dispositions to default: exec would keep what the daemon ignores, and a handler of the daemon
// must not run in here once the mask is lifted.
ROOST_NO_SANITIZE void reset_signals(std::uint64_t changed) {
  alignas(8) unsigned char default_action[64] = {};  // the kernel's sigaction, SIG_DFL is 0
  for (int signal = 1; changed != 0; ++signal, changed >>= 1U)
    if ((changed & 1U) != 0)
      kernel_call(SYS_rt_sigaction, signal, default_action, nullptr, kKernelSigsetBytes);
}

// oom_score_adj and nice are given back as far as the kernel lets us: lowering needs privilege.
ROOST_NO_SANITIZE void restore_priorities(const ChildPlan& plan) {
  if (plan.oom_score_adj != nullptr) {
    const long fd =
        kernel_call(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
      kernel_call(SYS_write, fd, plan.oom_score_adj, plan.oom_score_adj_size);
      kernel_call(SYS_close, fd);
    }
  }
  if (plan.nice != nullptr) kernel_call(SYS_setpriority, PRIO_PROCESS, 0, *plan.nice);
}

// Before the user is changed: raising a hard limit and lowering the niceness need privilege.
ROOST_NO_SANITIZE long set_limits(ChildPlan& plan) {
  for (std::size_t i = 0; i < plan.limit_count; ++i) {
    const model::ProcessLimit* limit = &plan.limits[i].limit;
    const std::uint64_t values[2] = {limit->soft, limit->hard};
    plan.report->limit = static_cast<std::uint32_t>(i);
    const long error = kernel_call(SYS_prlimit64, 0, limit->resource, values, nullptr);
    if (error != 0) return error;
  }
  return 0;
}

// Groups, then gid, then uid; and proof that there is no way back.
ROOST_NO_SANITIZE long change_user(const ChildPlan& plan) {
  long error = kernel_call(SYS_setgroups, plan.group_count, plan.groups);
  if (error == 0) error = kernel_call(SYS_setresgid, plan.gid, plan.gid, plan.gid);
  if (error == 0) error = kernel_call(SYS_setresuid, plan.uid, plan.uid, plan.uid);
  if (error != 0) return error;
  if (plan.uid != 0 && kernel_call(SYS_setresuid, -1, 0, -1) == 0) return -EPERM;
  const bool changed = kernel_call(SYS_geteuid) == static_cast<long>(plan.uid) &&
                       kernel_call(SYS_getegid) == static_cast<long>(plan.gid);
  return changed ? 0 : -EPERM;
}

ROOST_NO_SANITIZE long take_standard_fds(const ChildPlan& plan) {
  long result = kernel_call(SYS_dup3, plan.stdin_fd, 0, 0);
  if (result >= 0) result = kernel_call(SYS_dup3, plan.out_app, 1, 0);
  if (result >= 0) result = kernel_call(SYS_dup3, plan.err_app, 2, 0);
  if (result >= 0 && plan.channel_app >= 0)
    result = kernel_call(SYS_dup3, plan.channel_app, kChannelFd, 0);
  return result < 0 ? result : 0;
}

ROOST_NO_SANITIZE void write_pid(ChildPlan& plan, int pid) {
  plan.message.value = pid;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&pid);
  for (std::size_t i = 0; i < sizeof pid; ++i)
    plan.message.label[plan.label_pid_offset + i] = bytes[i];
  for (std::size_t i = kRoostIdPidDigits; i-- > 0; pid /= 10)
    plan.roost_id_pid[i] = static_cast<char>('0' + pid % 10);
}

// Waits while the keeper's socket is full, or too many descriptors are in flight (ETOOMANYREFS, and
// then the socket is writable: hence the pause).
ROOST_NO_SANITIZE bool wait_for_keeper(const ChildPlan& plan, long error) {
  const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
  if (error == -EINTR) return true;
  ring(plan.keeper_bell);
  if (error == -EAGAIN) {
    pollfd writable{.fd = plan.keeper_fd, .events = POLLOUT, .revents = 0};
    kernel_call(SYS_ppoll, &writable, 1, &pause, nullptr, kKernelSigsetBytes);
    return true;
  }
  if (error != -ETOOMANYREFS && error != -ENOBUFS && error != -ENOMEM) return false;
  kernel_call(SYS_nanosleep, &pause, nullptr);
  return true;
}

ROOST_NO_SANITIZE long tell_keeper(const ChildPlan& plan, const msghdr& message) {
  for (int tries = 0; tries < kRegisterTries; ++tries) {
    const long result = kernel_call(SYS_sendmsg, plan.keeper_fd, &message, MSG_NOSIGNAL);
    if (result >= 0) return 0;
    if (!wait_for_keeper(plan, result)) return result;
  }
  return -EAGAIN;
}

ROOST_NO_SANITIZE long send_note(ChildPlan& plan) {
  iovec data{.iov_base = &plan.note, .iov_len = sizeof plan.note};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  return tell_keeper(plan, message);
}

ROOST_NO_SANITIZE long register_with_keeper(ChildPlan& plan) {
  // In the order of the bits of Message::flags.
  const int fds[] = {plan.report->pidfd, plan.out_read, plan.err_read, plan.channel_daemon};
  const std::size_t bytes = plan.channel_daemon >= 0 ? sizeof fds : sizeof fds - sizeof *fds;
  alignas(cmsghdr) unsigned char control[CMSG_SPACE(sizeof fds)] = {};
  iovec data{.iov_base = &plan.message, .iov_len = sizeof plan.message};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(bytes);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(bytes);
  int* slots = reinterpret_cast<int*>(CMSG_DATA(header));
  for (std::size_t i = 0; i < bytes / sizeof *fds; ++i)
    slots[i] = fds[i];
  return tell_keeper(plan, message);
}

// A run that is not in its lane must not claim to be.
ROOST_NO_SANITIZE void enter_cgroup(ChildPlan& plan) {
  if (plan.cgroup_procs < 0 || kernel_call(SYS_write, plan.cgroup_procs, "0", 1) == 1) return;
  plan.report->lane_missed = true;
  for (std::size_t i = 0; i < sizeof(std::uint32_t); ++i)
    plan.message.label[plan.label_lane_offset + i] = 0;
}

// The soft limit comes last: descriptors of the daemon's table may lie above it.
ROOST_NO_SANITIZE long restore_nofile(const ChildPlan& plan) {
  const std::uint64_t limit[2] = {plan.nofile_soft, plan.nofile_hard};
  return kernel_call(SYS_prlimit64, 0, RLIMIT_NOFILE, limit, nullptr);
}

}  // namespace

ROOST_NO_SANITIZE int run_child(void* argument) {
  ChildPlan& plan = *static_cast<ChildPlan*>(argument);
  timespec now{};
  if (kernel_call(SYS_clock_gettime, CLOCK_BOOTTIME, &now) == 0)
    plan.report->born_ns = now.tv_sec * 1'000'000'000 + now.tv_nsec;
  long error = kernel_call(SYS_setsid);
  if (error < 0) return fail(plan, SpawnStage::setup, error);
  reset_signals(plan.changed_signals);
  enter_cgroup(plan);
  if (plan.memory_procs >= 0) {
    error = kernel_call(SYS_write, plan.memory_procs, "0", 1);
    if (error != 1) return fail(plan, SpawnStage::memory, error);
  }
  restore_priorities(plan);
  if (plan.wanted_nice != nullptr) {
    error = kernel_call(SYS_setpriority, PRIO_PROCESS, 0, *plan.wanted_nice);
    if (error != 0) return fail(plan, SpawnStage::nice, error);
  }
  kernel_call(SYS_umask, plan.umask);
  error = set_limits(plan);
  if (error != 0) return fail(plan, SpawnStage::rlimit, error);
  error = plan.change_user ? change_user(plan) : 0;
  if (error != 0) return fail(plan, SpawnStage::identity, error);
  error = kernel_call(SYS_chdir, plan.cwd);
  if (error != 0) return fail(plan, SpawnStage::cwd, error);
  error = take_standard_fds(plan);
  if (error != 0) return fail(plan, SpawnStage::setup, error);
  error = plan.restores_nofile ? restore_nofile(plan) : 0;
  if (error != 0) return fail(plan, SpawnStage::limits, error);
  error = plan.no_new_privs ? kernel_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) : 0;
  if (error != 0) return fail(plan, SpawnStage::no_new_privs, error);
  write_pid(plan, static_cast<int>(kernel_call(SYS_getpid)));
  error = plan.has_note ? send_note(plan) : 0;
  if (error != 0) return fail(plan, SpawnStage::register_run, error);
  kill_point("spawn.child.before_register");
  error = register_with_keeper(plan);
  if (error != 0) return fail(plan, SpawnStage::register_run, error);
  if (plan.rings) ring(plan.keeper_bell);
  plan.report->registered = true;
  kill_point("spawn.child.registered");
  // The table is private from here on, and small: only 0–2 and the channel are copied.
  const unsigned first_closed = plan.channel_app >= 0 ? kChannelFd + 1 : kChannelFd;
  error = kernel_call(SYS_close_range, first_closed, ~0U, CLOSE_RANGE_UNSHARE);
  if (error != 0) return fail(plan, SpawnStage::setup, error);
  const std::uint64_t no_signals = 0;
  kernel_call(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, kKernelSigsetBytes);
  error = kernel_call(SYS_execve, plan.program, plan.argv, plan.envp);
  return fail(plan, SpawnStage::exec, error);
}

}  // namespace roost::daemon
