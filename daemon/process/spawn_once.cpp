#include "daemon/process/spawn_once.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/kill_point.h"
#include "core/base/time.h"
#include "core/base/words.h"
#include "daemon/process/app_pipe.h"
#include "daemon/process/clone_call.h"
#include "daemon/process/proc_snapshot.h"
#include "daemon/process/scratch_fds.h"
#include "daemon/process/spawn_error.h"
#include "daemon/process/user_lookup.h"

namespace roost::daemon {
namespace {

constexpr std::size_t kStackBytes = 64U << 10;
constexpr std::size_t kPageBytes = 64U << 10;  // the largest page size of the supported machines

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
constexpr bool kMayShareMemory = false;  // ThreadSanitizer cannot follow a borrowed address space
#else
constexpr bool kMayShareMemory = true;
#endif

// All signals blocked, glibc's own two included, which pthread_sigmask leaves open: a handler that
// ran in the child would run in the daemon's memory.
class BlockEverything {
 public:
  BlockEverything() { set(~std::uint64_t{0}, &old_); }

  ~BlockEverything() { set(old_, nullptr); }

  BlockEverything(const BlockEverything&) = delete;
  BlockEverything& operator=(const BlockEverything&) = delete;

 private:
  static void set(std::uint64_t mask, std::uint64_t* old) {
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, old, sizeof mask);
  }

  std::uint64_t old_ = 0;
};

// One spawn's resources and steps; each step answers false after it has filled in the failure.
class Attempt {
 public:
  Attempt(SpawnBench& bench, const SpawnerOptions& options, SpawnPlan plan)
      : bench_(bench), options_(options), plan_(std::move(plan)) {
    result_.run = plan_.label.run;
  }

  SpawnResult run() {
    if (resolve_user() && make_pipes() && make_channel() && open_lane()) {
      fill_child_plan();
      clone();
    }
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
    std::optional<gid_t> group;
    if (!plan_.group.empty()) {
      auto found = find_group(plan_.group);
      if (!found) return unknown_user(std::move(found).error());
      group = *found;
    }
    if (plan_.user.empty()) {
      user_.uid = ::geteuid();
      user_.gid = *group;
      user_.groups = {*group};
    } else {
      auto user = find_user(plan_.user, group);
      if (!user) return unknown_user(std::move(user).error());
      user_ = std::move(*user);
      set_variable(plan_.env, "HOME", user_.home);
      set_variable(plan_.env, "USER", user_.name);
      set_variable(plan_.env, "LOGNAME", user_.name);
      set_variable(plan_.env, "SHELL", user_.shell);
    }
    child_.change_user = user_.uid != ::geteuid() || (group && *group != ::getegid());
    if (child_.change_user && ::geteuid() != 0) return fail(SpawnStage::identity, EPERM);
    return true;
  }

  bool make_pipes() {
    for (AppPipe* pipe : {&out_, &err_}) {
      int errnum = 0;
      auto made = make_app_pipe(errnum);
      if (!made) return fail(SpawnStage::pipe, errnum);
      *pipe = std::move(*made);
      if (child_.change_user && !give_pipe_to(*pipe, user_.uid, user_.gid))
        return fail(SpawnStage::pipe, EPERM);
    }
    return true;
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
    switch (plan_.lane.kind) {
      case CgroupKind::none:
        break;
      case CgroupKind::v2:
        lane_fd_.reset(::open(plan_.lane.dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        break;
      case CgroupKind::v1:
        lane_fd_.reset(::open((plan_.lane.dir + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
        break;
    }
    if (!lane_fd_) leave_lane();
    if (plan_.memory_procs.empty()) return true;
    memory_fd_.reset(::open(plan_.memory_procs.c_str(), O_WRONLY | O_CLOEXEC));
    return memory_fd_ ? true : fail(SpawnStage::memory, errno);
  }

  void leave_lane() {
    lane_fd_.reset();
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
    child_.stdin_fd = bench_.stdin_null();
    child_.out_app = out_.app.get();
    child_.err_app = err_.app.get();
    child_.out_read = out_.read.get();
    child_.err_read = err_.read.get();
    child_.channel_app = channel_app_.get();
    child_.channel_daemon = channel_daemon_.get();
    if (plan_.lane.kind == CgroupKind::v1) child_.cgroup_procs = lane_fd_.get();
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

  void clone() {
    bench_.report() = ChildReport{};
    fill_message();
    kill_point("spawn.before_clone");
    CloneCall call{.memory = kMayShareMemory && !child_.change_user ? ChildMemory::shared
                                                                    : ChildMemory::copied,
                   .cgroup_fd = plan_.lane.kind == CgroupKind::v2 ? lane_fd_.get() : -1,
                   .pidfd = &bench_.report().pidfd,
                   .child = run_child,
                   .argument = &child_,
                   .stack = bench_.stack()};
    pid_t pid = clone_blocked(call);
    const bool refused = pid < 0 && !is_transient(-pid);
    if (call.cgroup_fd >= 0 && (refused || (pid > 0 && died_at_birth()))) {
      const UniqueFd dead(pid > 0 ? bench_.report().pidfd : -1);
      bench_.report() = ChildReport{};
      leave_lane();
      fill_message();
      call.cgroup_fd = -1;
      pid = clone_blocked(call);
    }
    kill_point("spawn.after_clone");
    finish(pid);
  }

  // Killed before its first step, as happens to those that are cloned into another cgroup while the
  // daemon's own was once killed (Linux 6.14 and later).
  [[nodiscard]] bool died_at_birth() const {
    const ChildReport& report = bench_.report();
    return report.errnum == 0 && !report.registered;
  }

  pid_t clone_blocked(const CloneCall& call) {
    const BlockEverything blocked;
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    asked_ns_ = now.tv_sec * 1'000'000'000 + now.tv_nsec;
    const pid_t pid = clone_child(call);
    bench_.restore_standard_fds();
    return pid;
  }

  void finish(pid_t pid) {
    const ChildReport& report = bench_.report();
    if (pid < 0) {
      (void)fail(SpawnStage::clone, -pid);
      return;
    }
    result_.pid = pid;
    result_.pidfd.reset(report.pidfd);
    plan_.label.pid = pid;
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
        bench_.start_ticks().of(pid, result_.pidfd.get(), {asked_ns_, report.born_ns});
    result_.out_pipe = pipe_inode(out_.read.get());
    result_.err_pipe = pipe_inode(err_.read.get());
    result_.channel = std::move(channel_daemon_);
    if (plan_.take_output) return plan_.take_output(std::move(out_.read), std::move(err_.read));
    result_.out = std::move(out_.read);
    result_.err = std::move(err_.read);
  }

  SpawnBench& bench_;
  const SpawnerOptions& options_;
  SpawnPlan plan_;
  SpawnResult result_;
  UserIdentity user_;
  AppPipe out_;
  AppPipe err_;
  UniqueFd channel_app_;
  UniqueFd channel_daemon_;
  UniqueFd lane_fd_;  // v2: the directory; v1: cgroup.procs
  UniqueFd memory_fd_;
  std::int64_t asked_ns_ = 0;  // CLOCK_BOOTTIME before the clone
  std::string oom_text_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
  ChildPlan child_;
};

std::uint64_t read_changed_signals() {
  constexpr int kSignals = 64;
  std::uint64_t changed = 0;
  for (int signal = 1; signal <= kSignals; ++signal) {
    alignas(8) std::array<unsigned char, 64> action{};  // the kernel's: the handler comes first
    void* handler = nullptr;
    ::syscall(SYS_rt_sigaction, signal, nullptr, action.data(), sizeof(std::uint64_t));
    std::memcpy(&handler, action.data(), sizeof handler);
    if (handler != nullptr) changed |= std::uint64_t{1} << (signal - 1);
  }
  return changed;
}

std::byte* map(std::size_t size, int flags) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

}  // namespace

void Unmap::operator()(std::byte* memory) const {
  ::munmap(memory, size);
}

Result<SpawnBench> SpawnBench::make() {
  SpawnBench bench;
  bench.stack_ = Mapping(map(kStackBytes + kPageBytes, MAP_PRIVATE | MAP_STACK),
                         Unmap{kStackBytes + kPageBytes});
  bench.report_ = Mapping(map(kPageBytes, MAP_SHARED), Unmap{kPageBytes});
  if (!bench.stack_ || !bench.report_) return errno_error("memory for the spawner", ENOMEM);
  if (::mprotect(bench.stack_.get(), kPageBytes, PROT_NONE) != 0)
    return errno_error("memory for the spawner", errno);
  bench.current_ = read_priorities();
  bench.changed_signals_ = read_changed_signals();
  new (bench.report_.get()) ChildReport{};
  bench.stdin_null_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  bench.null_.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!bench.stdin_null_ || !bench.null_) return errno_error("open '/dev/null'", errno);
  if (bench.stdin_null() < kScratchFds)
    return Error{Errc::internal, "the spawner's scratch descriptors were not reserved", ""};
  return bench;
}

std::span<std::byte> SpawnBench::stack() const {
  return {stack_.get() + kPageBytes, kStackBytes};
}

ChildReport& SpawnBench::report() const {
  return *std::launder(reinterpret_cast<ChildReport*>(report_.get()));
}

void SpawnBench::restore_standard_fds() const {
  for (int fd = 0; fd <= 2; ++fd)
    ROOST_EXPECT(::dup2(null_.get(), fd) == fd, "0-2 are the spawner's");
  ROOST_EXPECT(::dup3(null_.get(), kChannelFd, O_CLOEXEC) == kChannelFd, "3 is the spawner's");
}

SpawnResult spawn_once(SpawnBench& bench, const SpawnerOptions& options, SpawnPlan plan) {
  return Attempt(bench, options, std::move(plan)).run();
}

}  // namespace roost::daemon
