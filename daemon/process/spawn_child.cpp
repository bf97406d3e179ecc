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
#include "daemon/process/run_key.h"

namespace roost::daemon {
namespace {

constexpr int kExecFailed = 127;
constexpr std::size_t kKernelSigsetBytes = 8;
constexpr int kRegisterTries = 5000;  // a millisecond each: the keeper is never that busy

ROOST_NO_SANITIZE int fail(const ChildPlan& plan, SpawnStage stage, int errnum) {
  plan.report->stage = stage;
  plan.report->errnum = errnum;
  while (true)
    ::syscall(SYS_exit_group, kExecFailed);
}

// Dispositions to default: exec would keep what the daemon ignores, and a handler of the daemon
// must not run in here once the mask is lifted.
ROOST_NO_SANITIZE void reset_signals(std::uint64_t changed) {
  alignas(8) unsigned char default_action[64] = {};  // the kernel's sigaction, SIG_DFL is 0
  for (int signal = 1; changed != 0; ++signal, changed >>= 1U)
    if ((changed & 1U) != 0)
      ::syscall(SYS_rt_sigaction, signal, default_action, nullptr, kKernelSigsetBytes);
}

// oom_score_adj and nice are given back as far as the kernel lets us: lowering needs privilege.
ROOST_NO_SANITIZE void restore_priorities(const ChildPlan& plan) {
  if (plan.oom_score_adj != nullptr) {
    const long fd =
        ::syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
      ::syscall(SYS_write, fd, plan.oom_score_adj, plan.oom_score_adj_size);
      ::syscall(SYS_close, fd);
    }
  }
  if (plan.nice != nullptr) ::syscall(SYS_setpriority, PRIO_PROCESS, 0, *plan.nice);
}

// Before the user is changed: raising a hard limit and lowering the niceness need privilege.
ROOST_NO_SANITIZE int set_limits(ChildPlan& plan) {
  for (std::size_t i = 0; i < plan.limit_count; ++i) {
    const model::ProcessLimit* limit = &plan.limits[i].limit;
    const std::uint64_t values[2] = {limit->soft, limit->hard};
    plan.report->limit = static_cast<std::uint32_t>(i);
    if (::syscall(SYS_prlimit64, 0, limit->resource, values, nullptr) != 0) return errno;
  }
  return 0;
}

// Groups, then gid, then uid; and proof that there is no way back.
ROOST_NO_SANITIZE int change_user(const ChildPlan& plan) {
  if (::syscall(SYS_setgroups, plan.group_count, plan.groups) != 0) return errno;
  if (::syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid) != 0) return errno;
  if (::syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) != 0) return errno;
  if (plan.uid != 0 && ::syscall(SYS_setresuid, -1, 0, -1) == 0) return EPERM;
  const bool changed = ::syscall(SYS_geteuid) == static_cast<long>(plan.uid) &&
                       ::syscall(SYS_getegid) == static_cast<long>(plan.gid);
  return changed ? 0 : EPERM;
}

ROOST_NO_SANITIZE int take_standard_fds(const ChildPlan& plan) {
  if (::syscall(SYS_dup3, plan.stdin_fd, 0, 0) < 0) return errno;
  if (::syscall(SYS_dup3, plan.out_app, 1, 0) < 0) return errno;
  if (::syscall(SYS_dup3, plan.err_app, 2, 0) < 0) return errno;
  if (plan.channel_app >= 0 && ::syscall(SYS_dup3, plan.channel_app, kChannelFd, 0) < 0)
    return errno;
  return 0;
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
ROOST_NO_SANITIZE void ring(const ChildPlan& plan) {
  const std::uint64_t once = 1;
  if (plan.keeper_bell >= 0) ::syscall(SYS_write, plan.keeper_bell, &once, sizeof once);
}

ROOST_NO_SANITIZE bool wait_for_keeper(const ChildPlan& plan, int errnum) {
  const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
  if (errnum == EINTR) return true;
  ring(plan);
  if (errnum == EAGAIN) {
    pollfd writable{.fd = plan.keeper_fd, .events = POLLOUT, .revents = 0};
    ::syscall(SYS_ppoll, &writable, 1UL, &pause, nullptr, kKernelSigsetBytes);
    return true;
  }
  if (errnum != ETOOMANYREFS && errnum != ENOBUFS && errnum != ENOMEM) return false;
  ::syscall(SYS_nanosleep, &pause, nullptr);
  return true;
}

ROOST_NO_SANITIZE int tell_keeper(const ChildPlan& plan, const msghdr& message) {
  for (int tries = 0; tries < kRegisterTries; ++tries) {
    if (::syscall(SYS_sendmsg, plan.keeper_fd, &message, MSG_NOSIGNAL) >= 0) return 0;
    if (!wait_for_keeper(plan, errno)) return errno;
  }
  return EAGAIN;
}

ROOST_NO_SANITIZE int send_note(ChildPlan& plan) {
  iovec data{.iov_base = &plan.note, .iov_len = sizeof plan.note};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  return tell_keeper(plan, message);
}

ROOST_NO_SANITIZE int register_with_keeper(ChildPlan& plan) {
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
  if (plan.cgroup_procs < 0 || ::syscall(SYS_write, plan.cgroup_procs, "0", 1UL) == 1) return;
  plan.report->lane_missed = true;
  for (std::size_t i = 0; i < sizeof(std::uint32_t); ++i)
    plan.message.label[plan.label_lane_offset + i] = 0;
}

// The soft limit comes last: descriptors of the daemon's table may lie above it.
ROOST_NO_SANITIZE int restore_nofile(const ChildPlan& plan) {
  const std::uint64_t limit[2] = {plan.nofile_soft, plan.nofile_hard};
  return ::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, limit, nullptr) == 0 ? 0 : errno;
}

}  // namespace

ROOST_NO_SANITIZE int run_child(void* argument) {
  ChildPlan& plan = *static_cast<ChildPlan*>(argument);
  timespec now{};
  if (::syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now) == 0)
    plan.report->born_ns = now.tv_sec * 1'000'000'000 + now.tv_nsec;
  if (::syscall(SYS_setsid) < 0) return fail(plan, SpawnStage::setup, errno);
  reset_signals(plan.changed_signals);
  enter_cgroup(plan);
  if (plan.memory_procs >= 0 && ::syscall(SYS_write, plan.memory_procs, "0", 1UL) != 1)
    return fail(plan, SpawnStage::memory, errno);
  restore_priorities(plan);
  if (plan.wanted_nice != nullptr &&
      ::syscall(SYS_setpriority, PRIO_PROCESS, 0, *plan.wanted_nice) != 0)
    return fail(plan, SpawnStage::nice, errno);
  ::syscall(SYS_umask, plan.umask);
  if (const int error = set_limits(plan); error != 0) return fail(plan, SpawnStage::rlimit, error);
  if (plan.change_user) {
    if (const int error = change_user(plan); error != 0)
      return fail(plan, SpawnStage::identity, error);
  }
  if (::syscall(SYS_chdir, plan.cwd) != 0) return fail(plan, SpawnStage::cwd, errno);
  if (const int error = take_standard_fds(plan); error != 0)
    return fail(plan, SpawnStage::setup, error);
  if (const int error = plan.restores_nofile ? restore_nofile(plan) : 0; error != 0)
    return fail(plan, SpawnStage::limits, error);
  if (plan.no_new_privs && ::syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0)
    return fail(plan, SpawnStage::no_new_privs, errno);
  write_pid(plan, static_cast<int>(::syscall(SYS_getpid)));
  if (plan.has_note) {
    if (const int error = send_note(plan); error != 0)
      return fail(plan, SpawnStage::register_run, error);
  }
  kill_point("spawn.child.before_register");
  if (const int error = register_with_keeper(plan); error != 0)
    return fail(plan, SpawnStage::register_run, error);
  if (plan.rings) ring(plan);
  plan.report->registered = true;
  kill_point("spawn.child.registered");
  // The table is private from here on, and small: only 0–2 and the channel are copied.
  const unsigned first_closed = plan.channel_app >= 0 ? kChannelFd + 1 : kChannelFd;
  if (::syscall(SYS_close_range, first_closed, ~0U, CLOSE_RANGE_UNSHARE) != 0)
    return fail(plan, SpawnStage::setup, errno);
  const std::uint64_t no_signals = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, kKernelSigsetBytes);
  ::syscall(SYS_execve, plan.program, plan.argv, plan.envp);
  return fail(plan, SpawnStage::exec, errno);
}

}  // namespace roost::daemon
