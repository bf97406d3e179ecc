#include "daemon/process/spawn_error.h"

#include <cerrno>

#include <unistd.h>

namespace roost::daemon {
namespace {

std::string exec_hint(const SpawnPlan& plan, int errnum) {
  switch (errnum) {
    case ENOENT:
      if (::access(plan.program.c_str(), F_OK) == 0)
        return "the file is there, but the interpreter it names (its first line, or its ELF "
               "loader) is not";
      return "check the path";
    case EACCES:
      return "make it executable (chmod +x), or name an interpreter; the file system may be "
             "mounted noexec";
    case ENOEXEC:
      return "it is neither a program for this machine nor a script with a '#!' line: add one, or "
             "name an "
             "interpreter";
    case ETXTBSY:
      return "somebody has the file open for writing";
    case E2BIG:
      return "arguments and environment together are too long";
    default:
      return "";
  }
}

std::string identity_of(const SpawnPlan& plan) {
  if (plan.group.empty()) return "user '" + plan.user + "'";
  const std::string group = "group '" + plan.group + "'";
  return plan.user.empty() ? group : "user '" + plan.user + "', " + group;
}

// "exec '/x'", to be followed by the errno's words.
std::string subject(const SpawnPlan& plan, SpawnStage stage, std::size_t limit) {
  switch (stage) {
    case SpawnStage::queue:
      return "start queue";
    case SpawnStage::user:
    case SpawnStage::identity:
      return "change to " + identity_of(plan);
    case SpawnStage::pipe:
      return plan.terminal ? "terminal" : "output pipe";
    case SpawnStage::clone:
      return "create a process";
    case SpawnStage::setup:
      return "set up the process";
    case SpawnStage::memory:
      return "enter the cgroup of memory_max, '" + plan.memory_procs + "'";
    case SpawnStage::nice:
      return "set nice " + std::to_string(plan.nice.value_or(0));
    case SpawnStage::rlimit:
      return "set limit " + (limit < plan.limits.size() ? plan.limits[limit].words : "");
    case SpawnStage::no_new_privs:
      return "set no_new_privs";
    case SpawnStage::limits:
      return "restore the limit of open files";
    case SpawnStage::cwd:
      return "cwd '" + plan.cwd + "'";
    case SpawnStage::register_run:
      return "register with the keeper";
    case SpawnStage::exec:
      return "exec '" + plan.program + "'";
  }
  return "spawn";
}

std::string hint(const SpawnPlan& plan, SpawnStage stage, int errnum) {
  if (stage == SpawnStage::exec) return exec_hint(plan, errnum);
  if (stage == SpawnStage::identity && errnum == EPERM)
    return "only a daemon that runs as root can start apps as another user or group";
  if (stage == SpawnStage::nice) return "only root may set a niceness below that of roost itself";
  if (stage == SpawnStage::rlimit && errnum == EPERM)
    return "only root may raise a hard limit; see ulimit -Ha for what it is";
  if (stage == SpawnStage::clone && errnum == EAGAIN)
    return "the limit of processes is reached (ulimit -u, pids.max)";
  if (stage == SpawnStage::pipe && errnum == ENOSPC)
    return "the limit of terminals is reached (sysctl kernel.pty.max)";
  if (errnum == EMFILE || errnum == ENFILE)
    return "the limit of open files is reached (ulimit -n, fs.file-max)";
  return "";
}

}  // namespace

bool is_transient(int errnum) {
  return errnum == EAGAIN || errnum == ENOMEM || errnum == EMFILE || errnum == ENFILE ||
         errnum == ENOBUFS || errnum == ETOOMANYREFS || errnum == ETXTBSY || errnum == EPIPE ||
         errnum == ECONNRESET;
}

SpawnFailure make_spawn_failure(const SpawnPlan& plan, SpawnStage stage, int errnum,
                                std::size_t limit) {
  SpawnFailure failure{.stage = stage, .errnum = errnum, .transient = is_transient(errnum)};
  failure.error = errno_error(subject(plan, stage, limit), errnum);
  failure.error.hint = hint(plan, stage, errnum);
  if (failure.transient) failure.error.code = Errc::unavailable;
  return failure;
}

}  // namespace roost::daemon
