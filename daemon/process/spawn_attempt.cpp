#include "daemon/process/spawn_attempt.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/kill_point.h"
#include "core/base/time.h"
#include "core/base/words.h"
#include "daemon/process/app_pipe.h"
#include "daemon/process/app_terminal.h"
#include "daemon/process/blocked_signals.h"
#include "daemon/process/clone_call.h"
#include "daemon/process/kernel_call.h"
#include "daemon/process/proc_snapshot.h"
#include "daemon/process/spawn_error.h"
#include "daemon/process/user_lookup.h"

namespace roost::daemon {
// Its resources and steps; each step answers false after it has filled in the failure.
class SpawnAttempt::Impl {
 public:
  Impl(SpawnBench& bench, const SpawnerOptions& options, SpawnPlan plan)
      : bench_(bench), options_(options), plan_(std::move(plan)) {
    result_.run = plan_.label.run;
  }

  enum class Meanwhile : std::uint8_t { waiting, going_on };

  bool begin(Meanwhile meanwhile) {
    if (!resolve_user() || !make_output() || !make_channel() || !open_lane()) return false;
    fill_child_plan();
    child_.loop_bell = meanwhile == Meanwhile::going_on ? options_.loop_bell : -1;
    if (plan_.pipes) take_output({}, {});
    clone(meanwhile);
    if (pid_ < 0) return false;
    open_for_the_next_run();
    if (meanwhile == Meanwhile::going_on && !result_.output_taken) give_output();
    return true;
  }

  [[nodiscard]] bool is_over() const {
    return bench_.child_alive() == 0 && (pid_ <= 0 || !died_at_birth());
  }

  SpawnResult end() {
    await();
    if (pid_ > 0 && is_in_v2_lane() && died_at_birth()) {
      const UniqueFd dead(bench_.report().pidfd);
      leave_lane();
      clone(Meanwhile::waiting);
      await();
    }
    if (pid_ != 0) finish();
    result_.label = plan_.label;
    return std::move(result_);
  }

 private:
  bool fail(SpawnStage stage, int errnum) {
    result_.failure = make_spawn_failure(plan_, stage, errnum);
    return false;
  }

  bool unknown_user(Error error) {
    (void)fail(SpawnStage::user, ENOENT);
    result_.failure->error = std::move(error);
    return false;
  }

  bool resolve_user() {
    if (plan_.user.empty() && plan_.group.empty()) return true;
    auto identity = find_identity(plan_.user, plan_.group);
    if (!identity) return unknown_user(std::move(identity).error());
    user_ = std::move(*identity);
    if (!plan_.user.empty()) {
      set_variable(plan_.env, "HOME", user_.home);
      set_variable(plan_.env, "USER", user_.name);
      set_variable(plan_.env, "LOGNAME", user_.name);
      set_variable(plan_.env, "SHELL", user_.shell);
    }
    child_.change_user =
        user_.uid != ::geteuid() || (!plan_.group.empty() && user_.gid != ::getegid());
    if (child_.change_user && ::geteuid() != 0) return fail(SpawnStage::identity, EPERM);
    return true;
  }

  bool make_output() {
    if (plan_.pipes)
      pipes_ = std::move(*plan_.pipes);
    else if (plan_.terminal ? !make_terminal() : !make_pipe(pipes_.out) || !make_pipe(pipes_.err))
      return false;
    result_.out_pipe = pipe_inode(pipes_.out.read.get());
    result_.err_pipe = pipe_inode(pipes_.err.read.get());
    return true;
  }

  bool make_pipe(AppPipe& pipe) {
    int errnum = 0;
    auto made = make_app_pipe(bench_.own_descriptors(), errnum);
    if (!made) return fail(SpawnStage::pipe, errnum);
    pipe = std::move(*made);
    return give(pipe.app);
  }

  bool make_terminal() {
    int errnum = 0;
    auto made = make_app_terminal(*plan_.terminal, errnum);
    if (!made) return fail(SpawnStage::pipe, errnum);
    terminal_ = std::move(made->app);
    pipes_.out.read = std::move(made->pipe);
    pipes_.err.read = std::move(made->master);
    return give(terminal_);
  }

  bool give(const UniqueFd& end) {
    if (!child_.change_user || give_to_user(end.get(), user_.uid, user_.gid)) return true;
    return fail(SpawnStage::pipe, EPERM);
  }

  bool make_channel() {
    if (!plan_.channel) return true;
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      return fail(SpawnStage::pipe, errno);
    channel_daemon_.reset(ends[0]);
    channel_app_.reset(ends[1]);
    if (::fcntl(channel_daemon_.get(), F_SETFL, O_NONBLOCK) != 0)
      return fail(SpawnStage::pipe, errno);
    return true;
  }

  // A lane that cannot be used is no reason not to start the app: its tree is found by the walk
  // then.
  bool open_lane() {
    const std::string& dir = plan_.lane.dir;
    if (plan_.lane.kind == CgroupKind::v2 && !plan_.lane_dir)
      plan_.lane_dir =
          std::make_shared<const UniqueFd>(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (plan_.lane.kind == CgroupKind::v1)
      lane_procs_.reset(::open((dir + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    if (!is_in_v2_lane() && !lane_procs_) leave_lane();
    if (plan_.memory_procs.empty()) return true;
    memory_fd_.reset(::open(plan_.memory_procs.c_str(), O_WRONLY | O_CLOEXEC));
    return memory_fd_ ? true : fail(SpawnStage::memory, errno);
  }

  void leave_lane() {
    plan_.lane_dir.reset();
    lane_procs_.reset();
    child_.cgroup_procs = -1;
    plan_.lane = Lane{};
    plan_.label.lane = 0;
  }

  void fill_child_plan() {
    argv_ = pointers(plan_.argv);
    envp_ = pointers(plan_.env);
    child_.report = &bench_.report();
    child_.changed_signals = bench_.changed_signals();
    child_.keeper_fd = options_.keeper_fd;
    child_.keeper_bell = options_.keeper_bell;
    child_.rings = plan_.rings || !plan_.note;  // who was asked for is known at once
    child_.stdin_fd = terminal_ ? terminal_.get() : bench_.stdin_null();
    child_.out_app = terminal_ ? terminal_.get() : pipes_.out.app.get();
    child_.err_app = terminal_ ? terminal_.get() : pipes_.err.app.get();
    child_.out_read = pipes_.out.read.get();
    child_.err_read = pipes_.err.read.get();
    child_.channel_app = channel_app_.get();
    child_.channel_daemon = channel_daemon_.get();
    if (plan_.lane.kind == CgroupKind::v1) child_.cgroup_procs = lane_procs_.get();
    child_.memory_procs = memory_fd_.get();
    fill_originals();
    child_.uid = user_.uid;
    child_.gid = user_.gid;
    child_.groups = user_.groups.data();
    child_.group_count = user_.groups.size();
    child_.cwd = plan_.cwd.c_str();
    child_.program = plan_.program.c_str();
    child_.argv = argv_.data();
    child_.envp = envp_.data();
    std::string& id = plan_.env.back();
    child_.roost_id_pid = id.data() + id.size() - kRoostIdPidDigits;
  }

  // Only what roost changed for itself is touched.
  void fill_originals() {
    const Originals& original = options_.originals;
    const Originals& current = bench_.current();
    oom_text_ = std::to_string(original.oom_score_adj);
    if (original.oom_score_adj != current.oom_score_adj) child_.oom_score_adj = oom_text_.c_str();
    child_.oom_score_adj_size = oom_text_.size();
    if (original.nice != current.nice) child_.nice = &options_.originals.nice;
    child_.umask = plan_.umask.value_or(original.umask);
    if (plan_.nice) child_.wanted_nice = &*plan_.nice;
    child_.limits = plan_.limits.data();
    child_.limit_count = plan_.limits.size();
    child_.no_new_privs = plan_.no_new_privs;
    child_.restores_nofile =
        std::none_of(plan_.limits.begin(), plan_.limits.end(),
                     [](const NamedLimit& one) { return one.limit.resource == RLIMIT_NOFILE; });
    rlimit nofile{};
    ::getrlimit(RLIMIT_NOFILE, &nofile);
    child_.nofile_hard = nofile.rlim_max;
    child_.nofile_soft = std::min<std::uint64_t>(original.nofile, nofile.rlim_max);
  }

  void fill_message() {
    plan_.label.size = sizeof plan_.label;
    plan_.label.started_ns = to_ns(Monotonic::now());
    plan_.label.started_wall_ms = wall_now_ms();
    keeper::Message& message = child_.message;
    message.type = keeper::Type::register_run;
    message.key = raw(plan_.label.run);
    message.flags = keeper::kFdPidfd | keeper::kFdStdout | keeper::kFdStderr;
    if (channel_daemon_) message.flags |= keeper::kFdChannel;
    static_assert(sizeof message.label == model::kLabelCapacity);
    model::store_label(plan_.label, std::span<std::uint8_t, model::kLabelCapacity>(message.label));
    child_.has_note = plan_.note.has_value();
    if (plan_.note) {
      child_.note.type = keeper::Type::store;
      child_.note.key = plan_.note->key;
      std::copy(plan_.note->label.begin(), plan_.note->label.end(), child_.note.label);
    }
    child_.label_pid_offset = offsetof(model::RunLabel, pid);
    child_.label_lane_offset = offsetof(model::RunLabel, lane);
  }

  void clone(Meanwhile meanwhile) {
    pid_ = clone_once(meanwhile);
    if (pid_ < 0 && is_in_v2_lane() && !is_transient(-pid_)) {
      leave_lane();
      pid_ = clone_once(meanwhile);
    }
    kill_point("spawn.after_clone");
  }

  pid_t clone_once(Meanwhile meanwhile) {
    const bool goes_on = meanwhile == Meanwhile::going_on;
    bench_.report() = ChildReport{};
    bench_.child_alive() = goes_on ? 1 : 0;
    fill_message();
    kill_point("spawn.before_clone");
    const BlockedSignals blocked;
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    asked_ns_ = now.tv_sec * 1'000'000'000 + now.tv_nsec;
    const pid_t pid =
        clone_child({.memory = kMayShareMemory && !child_.change_user ? ChildMemory::shared
                                                                      : ChildMemory::copied,
                     .cgroup_fd = is_in_v2_lane() ? plan_.lane_dir->get() : -1,
                     .pidfd = &bench_.report().pidfd,
                     .child = run_child,
                     .argument = &child_,
                     .stack = bench_.stack(),
                     .alive = goes_on ? &bench_.child_alive() : nullptr});
    if (pid < 0) bench_.child_alive() = 0;
    return pid;
  }

  void await() {
    wait_for_child(bench_.child_alive());
    if (pid_ > 0) bench_.restore_standard_fds();
  }

  [[nodiscard]] bool is_in_v2_lane() const { return plan_.lane_dir != nullptr && *plan_.lane_dir; }

  // Killed before its first step, as happens to those that are cloned into another cgroup while the
  // daemon's own was once killed (Linux 6.14 and later).
  [[nodiscard]] bool died_at_birth() const {
    const ChildReport& report = bench_.report();
    return report.errnum == 0 && !report.registered;
  }

  void finish() {
    const ChildReport& report = bench_.report();
    if (pid_ < 0) {
      (void)fail(SpawnStage::clone, -pid_);
      return;
    }
    result_.pid = pid_;
    result_.pidfd.reset(report.pidfd);
    plan_.label.pid = pid_;
    if (report.lane_missed) plan_.label.lane = 0;
    if (report.errnum != 0) {
      result_.failure = make_spawn_failure(plan_, report.stage, report.errnum, report.limit);
      result_.failure->registered = report.registered;
      return;
    }
    if (died_at_birth()) {  // killed before it could say anything: nobody would tell of its exit
      (void)fail(SpawnStage::register_run, EAGAIN);
      return;
    }
    plan_.label.start_ticks =
        bench_.start_ticks().of(pid_, result_.pidfd.get(), {asked_ns_, report.born_ns});
    result_.channel = std::move(channel_daemon_);
    if (!result_.output_taken) give_output();
    if (!plan_.keeps_pipes) return;
    pipes_.out.app = std::move(next_out_);
    pipes_.err.app = std::move(next_err_);
    result_.pipes = std::move(pipes_);
  }

  // While this one's child is on its way. What the child has now stays open until it has its own.
  void open_for_the_next_run() {
    if (!plan_.keeps_pipes) return;
    next_out_ = open_again(pipes_.out, bench_.own_descriptors());
    next_err_ = open_again(pipes_.err, bench_.own_descriptors());
    plan_.keeps_pipes = next_out_ && next_err_;
  }

  void give_output() {
    UniqueFd out;
    UniqueFd err;
    if (plan_.keeps_pipes) {
      out.reset(::fcntl(pipes_.out.read.get(), F_DUPFD_CLOEXEC, 0));
      err.reset(::fcntl(pipes_.err.read.get(), F_DUPFD_CLOEXEC, 0));
    }
    plan_.keeps_pipes = out && err;
    if (plan_.keeps_pipes) return take_output(std::move(out), std::move(err));
    take_output(std::move(pipes_.out.read), std::move(pipes_.err.read));
  }

  void take_output(UniqueFd out, UniqueFd err) {
    result_.output_taken = plan_.take_output != nullptr;
    if (plan_.take_output) return plan_.take_output(std::move(out), std::move(err));
    result_.out = std::move(out);
    result_.err = std::move(err);
  }

  SpawnBench& bench_;
  const SpawnerOptions& options_;
  SpawnPlan plan_;
  SpawnResult result_;
  UserIdentity user_;
  AppPipes pipes_;     // with a terminal only what is read
  UniqueFd next_out_;  // of pipes_ that are kept, for the run after this one
  UniqueFd next_err_;
  UniqueFd terminal_;  // the app's end of it
  UniqueFd channel_app_;
  UniqueFd channel_daemon_;
  UniqueFd lane_procs_;  // of a v1 lane
  UniqueFd memory_fd_;
  std::int64_t asked_ns_ = 0;  // CLOCK_BOOTTIME before the clone
  pid_t pid_ = 0;              // 0: not cloned; negative: an error
  std::string oom_text_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
  ChildPlan child_;
};

SpawnAttempt::SpawnAttempt(SpawnBench& bench, const SpawnerOptions& options, SpawnPlan plan)
    : impl_(std::make_unique<Impl>(bench, options, std::move(plan))) {}

SpawnAttempt::~SpawnAttempt() = default;

SpawnResult SpawnAttempt::run() {
  (void)impl_->begin(Impl::Meanwhile::waiting);
  return impl_->end();
}

bool SpawnAttempt::can_begin(const SpawnPlan& plan) {
  return kMayShareMemory && kLeavesErrnoAlone && plan.user.empty() && plan.group.empty();
}

bool SpawnAttempt::begin() {
  return impl_->begin(Impl::Meanwhile::going_on);
}

bool SpawnAttempt::is_over() const {
  return impl_->is_over();
}

SpawnResult SpawnAttempt::end() {
  return impl_->end();
}

}  // namespace roost::daemon
