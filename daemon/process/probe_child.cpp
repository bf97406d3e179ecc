#include "daemon/process/probe_child.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/unique_fd.h"
#include "core/base/words.h"
#include "core/loop/loop.h"
#include "core/loop/poll.h"
#include "core/loop/timer.h"
#include "core/model/limits.h"

namespace roost::daemon {
namespace {

constexpr Duration kGrace = 3s;         // for a probe to end itself after its time
constexpr Duration kLookAgain = 100ms;  // at one that was killed
constexpr std::size_t kStatusBytes = 16U << 10;

struct Child {
  pid_t pid = 0;
  UniqueFd pidfd;
  UniqueFd output;
  std::string problem;  // why there is none
};

// The words behind a name in /proc/PID/status.
std::string status_words(const std::string& status, std::string_view name) {
  const auto at = status.find("\n" + std::string(name) + ":");
  if (at == std::string::npos) return {};
  const auto from = at + name.size() + 2;
  return status.substr(from, status.find('\n', from) - from);
}

std::string joined_numbers(const std::string& words, std::size_t most) {
  std::string out;
  std::size_t count = 0;
  for (std::size_t at = words.find_first_of("0123456789"); at != std::string::npos && count < most;
       at = words.find_first_of("0123456789", at), ++count) {
    const auto end = words.find_first_not_of("0123456789", at);
    out += (out.empty() ? "" : ",") + words.substr(at, end - at);
    if (end == std::string::npos) break;
    at = end;
  }
  return out;
}

bool is_there(ProcessId id) {
  const auto stat = read_stat(id.pid);
  return stat && stat->id == id;
}

// "uid:gid:group,group" of a process; "-" for our own. Empty when it is gone: who has its number
// now is somebody else, so it must be the same before and after.
std::string identity_of(ProcessId like) {
  if (like.pid == 0) return "-";
  if (!is_there(like)) return {};
  if (::geteuid() != 0) return "-";
  const auto status = read_file("/proc/" + std::to_string(like.pid) + "/status", kStatusBytes);
  if (!status || !is_there(like)) return {};
  constexpr std::size_t kMostGroups = 256;
  return joined_numbers(status_words(*status, "Uid"), 1) + ":" +
         joined_numbers(status_words(*status, "Gid"), 1) + ":" +
         joined_numbers(status_words(*status, "Groups"), kMostGroups);
}

class SpawnSettings {
 public:
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }

  ~SpawnSettings() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }

  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

// Descriptors 0-3 of the daemon may be those of an app that is being started just now (they are the
// spawner's): all are replaced or closed.
void fill_settings(SpawnSettings& settings, int output) {
  ::posix_spawn_file_actions_addopen(&settings.actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&settings.actions, output, 1);
  ::posix_spawn_file_actions_adddup2(&settings.actions, 1, 2);
  ::posix_spawn_file_actions_addclosefrom_np(&settings.actions, 3);
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&settings.attributes, &none);
  ::posix_spawnattr_setsigdefault(&settings.attributes, &all);
  ::posix_spawnattr_setflags(&settings.attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

// Nobody could tell when it ends: it is ended here.
void give_up(Child& child, std::string problem) {
  (void)::kill(child.pid, SIGKILL);
  while (::waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  child.pid = 0;
  child.problem = std::move(problem);
}

// Blocks; a pool thread.
Child start(ProbePlan plan) {
  Child child;
  const std::string identity = identity_of(plan.like);
  int ends[2];
  if (identity.empty()) {
    child.problem = "the app is gone";
    return child;
  }
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    child.problem = errno_error("pipe", errno).message;
    return child;
  }
  child.output.reset(ends[0]);
  const UniqueFd write_end(ends[1]);
  (void)::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  // Only what the app's own shell line does needs its environment: names are looked up by us. Every
  // user can read a command line: what may hold a password does not stand there.
  if (plan.kind != "exec") {
    plan.env = {"ROOST_PROBE_TARGET=" + plan.target};
    plan.target = "-";
  }
  std::vector<std::string> words{
      "roost",  "probe", plan.kind, plan.target, std::to_string(to_ms(plan.timeout)),
      plan.cwd, identity};
  SpawnSettings settings;
  fill_settings(settings, ends[1]);
  const int error =
      ::posix_spawn(&child.pid, plan.program.c_str(), &settings.actions, &settings.attributes,
                    pointers(words).data(), pointers(plan.env).data());
  if (error != 0) {
    child.pid = 0;
    child.problem = errno_error("exec of '" + plan.program + "'", error).message;
    return child;
  }
  child.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.pidfd) give_up(child, errno_error("pidfd of a probe", errno).message);
  return child;
}

}  // namespace

class ProbeChild::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(loop::Loop& loop, Done done)
      : loop_(loop), done_(std::move(done)), limit_(loop, [this] { on_limit(); }) {}

  void begin(loop::Worker& worker, ProbePlan plan) {
    began_ = Monotonic::now();
    const Duration limit = plan.timeout + kGrace;
    auto child = std::make_shared<Child>();
    const Status submitted = worker.submit(
        [child, plan = std::move(plan)]() mutable { *child = start(std::move(plan)); },
        [weak = weak_from_this(), child, limit] {
          if (auto self = weak.lock()) self->on_started(std::move(*child), limit);
        });
    if (!submitted) fail_later(submitted.error().message);
  }

  // The alarm is what ends it when its time is over. It is our child and not waited for: the number
  // is its own.
  void end() {
    ended_ = true;
    if (child_.pid != 0 && watching_) (void)::kill(child_.pid, SIGALRM);
  }

 private:
  void fail_later(std::string why) {
    outcome_.tried = false;
    outcome_.output = std::move(why);
    loop_.defer([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->finish();
    });
  }

  void on_started(Child child, Duration limit) {
    child_ = std::move(child);
    if (child_.pid == 0) {
      outcome_.tried = false;
      outcome_.output = std::move(child_.problem);
      return finish();
    }
    if (ended_) (void)::kill(child_.pid, SIGALRM);
    limit_.start(limit);
    reading_.emplace(loop_, child_.output.get(), [this](unsigned) { read_output(); });
    (void)reading_->start(loop::Poll::readable);  // a pipe can always be polled
    watching_.emplace(loop_, child_.pidfd.get(), [this](unsigned) { on_exit(); });
    if (!watching_->start(loop::Poll::readable)) limit_.start(0s);  // looked at now and then
  }

  // It should have ended itself.
  void on_limit() {
    kill();
    limit_.start(kLookAgain);
    on_exit();
  }

  void read_output() {
    std::array<char, 4096> buffer;
    const ssize_t n = ::read(child_.output.get(), buffer.data(), buffer.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return reading_->stop();
    const std::size_t room = model::limits::kMaxProbeOutput - outcome_.output.size();
    outcome_.output.append(buffer.data(), std::min(static_cast<std::size_t>(n), room));
  }

  void kill() { (void)::kill(-child_.pid, SIGKILL); }

  // What was printed before is in the pipe by now; a left-over process may hold it for ever.
  void on_exit() {
    siginfo_t info{};
    if (::waitid(P_PIDFD, static_cast<id_t>(child_.pidfd.get()), &info, WEXITED | WNOHANG) != 0 ||
        info.si_pid == 0)
      return;
    read_output();
    outcome_.passed = info.si_code == CLD_EXITED && info.si_status == 0;
    if (info.si_code != CLD_EXITED && outcome_.output.empty()) outcome_.output = "killed";
    finish();
  }

  void finish() {
    limit_.cancel();
    reading_.reset();
    watching_.reset();
    outcome_.took = Monotonic::now() - began_;
    const auto self = shared_from_this();
    done_(std::move(outcome_));
  }

  loop::Loop& loop_;
  Done done_;
  Child child_;
  ProbeOutcome outcome_;
  TimePoint began_{};
  bool ended_ = false;
  loop::Timer limit_;
  std::optional<loop::Poll> reading_;  // closed before the descriptors
  std::optional<loop::Poll> watching_;
};

ProbeChild::ProbeChild(loop::Loop& loop, loop::Worker& worker, ProbePlan plan, Done done)
    : impl_(std::make_shared<Impl>(loop, std::move(done))) {
  impl_->begin(worker, std::move(plan));
}

ProbeChild::~ProbeChild() {
  impl_->end();
}

void ProbeChild::end() {
  impl_->end();
}

}  // namespace roost::daemon
