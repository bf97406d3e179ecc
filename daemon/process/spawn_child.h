// What the child does between clone and exec. It borrows the daemon's memory (and always its
// descriptor table), so it makes raw system calls only, from a plan in which everything is
// resolved.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sys/types.h>

#include "daemon/process/spawner.h"
#include "keeper/protocol.h"

namespace roost::daemon {

// Written by child and kernel, read by the parent when the child has exec'd or exited. Lies in a
// MAP_SHARED page, so that it works with copied memory too.
struct ChildReport {
  int pidfd = -1;
  SpawnStage stage = SpawnStage::setup;  // of the failure
  int errnum = 0;                        // 0 = exec succeeded
  std::int64_t born_ns = 0;              // CLOCK_BOOTTIME when it began
  std::uint32_t limit = 0;               // SpawnStage::rlimit: which one of the plan's
  bool registered = false;
  bool lane_missed =
      false;  // could not enter its cgroup (v1); goes on without, and says so in the label
};

struct ChildPlan {
  ChildReport* report = nullptr;
  keeper::Message message;  // complete but for the pid, in `value` and in the label
  bool has_note = false;
  keeper::Message note;  // goes before it
  std::size_t label_pid_offset = 0;
  std::size_t label_lane_offset = 0;
  int keeper_fd = -1;
  int keeper_bell = -1;
  int loop_bell = -1;  // rung when it fails; -1 = the daemon waits for it
  bool rings = true;   // false: the keeper may read of the run when it wakes by itself
  int stdin_fd = -1;
  int out_app = -1;  // the app's ends
  int err_app = -1;
  int out_read = -1;  // the daemon's ends
  int err_read = -1;
  int channel_app = -1;  // both ends of the IPC channel; -1 = none
  int channel_daemon = -1;
  std::uint64_t changed_signals = 0;  // bit n - 1: signal n is not at its default
  int cgroup_procs = -1;              // the child writes itself in there (v1); -1 = not needed

  int memory_procs = -1;  // likewise, of the cgroup that limits its memory; must work

  const char* oom_score_adj = nullptr;  // text to write; null = as it is
  std::size_t oom_score_adj_size = 0;
  const int* nice = nullptr;         // null = as it is
  const int* wanted_nice = nullptr;  // by the spec: a failure to set it is one
  mode_t umask = 022;
  const NamedLimit* limits = nullptr;
  std::size_t limit_count = 0;
  bool no_new_privs = false;
  bool restores_nofile = true;  // false: it is among `limits`
  std::uint64_t nofile_soft = 0;
  std::uint64_t nofile_hard = 0;

  bool change_user = false;
  uid_t uid = 0;
  gid_t gid = 0;
  const gid_t* groups = nullptr;
  std::size_t group_count = 0;

  const char* cwd = nullptr;
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  char* roost_id_pid = nullptr;  // the pid field of ROOST_ID within envp
};

// `plan` is a ChildPlan. Does not return: execs, or exits with 127 after filling in the report.
int run_child(void* plan);

}  // namespace roost::daemon
