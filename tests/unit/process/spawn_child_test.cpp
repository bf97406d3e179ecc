// What an app finds when it starts, and that it is registered by then.
#include <csignal>
#include <cstring>
#include <filesystem>
#include <set>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/process/proc_snapshot.h"
#include "tests/unit/process/process_fixture.h"
#include "tests/unit/process/test_keeper.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {

std::set<int> open_fds(pid_t pid) {
  std::set<int> fds;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
    fds.insert(std::stoi(entry.path().filename().string()));
  return fds;
}

std::string fd_target(pid_t pid, int fd) {
  return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd))
      .string();
}

// This process's descriptor is what it should be after each spawn.
bool is_null(int fd) {
  return fd_target(::getpid(), fd) == "/dev/null";
}

}  // namespace

TEST_CASE(
    "spawn: the app sees descriptors 0-2, clean signals and its own session, though the daemon has "
    "3000 "
    "descriptors and ignores signals") {
  std::vector<UniqueFd> many;
  for (int i = 0; i < 3000; ++i)
    many.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));

  struct sigaction ignore {};

  ignore.sa_handler = SIG_IGN;

  struct sigaction old_pipe {};

  struct sigaction old_realtime {};

  ::sigaction(SIGPIPE, &ignore, &old_pipe);
  ::sigaction(SIGRTMIN + 5, &ignore, &old_realtime);

  ProcessFixture fixture;
  const auto run = fixture.spawn(direct("/bin/sleep", {"300"}));
  REQUIRE_FALSE(run.failure);
  CHECK(eventually([&] {
    return open_fds(run.pid) == std::set<int>{0, 1, 2};
  }));  // sleep loads libc
  CHECK(std::stoi(status_field(run.pid, "FDSize")) <= 64);
  CHECK(status_field(run.pid, "SigBlk") == "0000000000000000");
  CHECK(status_field(run.pid, "SigIgn") == "0000000000000000");
  CHECK(fd_target(run.pid, 0) == "/dev/null");
  CHECK(fd_target(run.pid, 1) == "pipe:[" + std::to_string(pipe_inode(run.out.get())) + "]");
  CHECK(fd_target(run.pid, 2) == "pipe:[" + std::to_string(pipe_inode(run.err.get())) + "]");
  const auto stat = read_stat(run.pid);
  REQUIRE(stat);
  CHECK(stat->sid == run.pid);
  CHECK(stat->pgid == run.pid);
  CHECK(stat->ppid == ::getppid());  // the keeper's child
  CHECK(stat->id.start_ticks == run.label.start_ticks);
  for (const int fd : {0, 1, 2}) {
    CHECK(is_null(fd));
    CHECK(::fcntl(fd, F_GETFD) == 0);  // or what the daemon execs would get a socket for its stdout
  }

  ::sigaction(SIGPIPE, &old_pipe, nullptr);
  ::sigaction(SIGRTMIN + 5, &old_realtime, nullptr);
}

TEST_CASE("spawn: an app with a channel has it at descriptor 3, and nothing else does") {
  ProcessFixture fixture;
  auto spec = shell("echo '\"ready\"' >&3; exec sleep 300");
  spec.ipc = true;
  const auto run = fixture.spawn(spec);
  REQUIRE_FALSE(run.failure);
  CHECK(read_until(run.channel.get(), "\n") == "\"ready\"\n");
  // The shell keeps another descriptor while it redirects, and the loader of `sleep` opens
  // libraries.
  CHECK(eventually([&] { return open_fds(run.pid) == std::set<int>{0, 1, 2, 3}; }));
  CHECK(is_null(3));
  CHECK((::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0);
  const auto other = fixture.spawn(direct("/bin/sleep", {"300"}));
  REQUIRE_FALSE(other.failure);
  CHECK_FALSE(other.channel);
  CHECK(eventually([&] { return open_fds(other.pid) == std::set<int>{0, 1, 2}; }));
}

TEST_CASE("spawn: the app is registered with the keeper, and its exit comes from there") {
  ProcessFixture fixture;
  const auto run = fixture.spawn(shell("exit 7"));
  REQUIRE_FALSE(run.failure);
  const auto label = test_keeper().wait_registered(run.run);
  REQUIRE(label);
  CHECK(label->pid == run.pid);
  CHECK(label->run == run.run);
  CHECK(label->app == model::AppId{1});
  CHECK(label->started_ns > 0);
  CHECK(label->started_ns <= to_ns(Monotonic::now()));
  const auto exit = test_keeper().wait_exit(run.run);
  REQUIRE(exit);
  CHECK(exit->code == CLD_EXITED);
  CHECK(exit->status == 7);
}

TEST_CASE("spawn: output arrives, and its end after the exit") {
  ProcessFixture fixture;
  const auto run = fixture.spawn(shell("echo out; echo err >&2"));
  REQUIRE_FALSE(run.failure);
  CHECK(read_to_end(run.out.get()) == "out\n");
  CHECK(read_to_end(run.err.get()) == "err\n");
}

TEST_CASE("spawn: the end of output comes only when the last descendant is gone") {
  ProcessFixture fixture;
  const auto run = fixture.spawn(shell("sleep 300 & echo $!; exit 0"));
  REQUIRE_FALSE(run.failure);
  REQUIRE(test_keeper().wait_exit(run.run));
  const pid_t child = std::stoi(read_until(run.out.get(), "\n"));
  char byte = 0;
  CHECK(::read(run.out.get(), &byte, 1) == -1);  // EAGAIN: not the end
  REQUIRE(::kill(child, SIGKILL) == 0);
  CHECK(read_to_end(run.out.get()).empty());
}

TEST_CASE("spawn: the app gets no SIGPIPE when nobody reads any more") {
  ProcessFixture fixture;
  // It writes after its standard input tells it to go on: a file that the test makes.
  const std::string go = "/tmp/roost-process-test-go-" + std::to_string(::getpid());
  auto run = fixture.spawn(shell("while [ ! -e " + go + " ]; do :; done; echo lost && exit 9"));
  REQUIRE_FALSE(run.failure);
  run.out.reset();  // the keeper's copy is still there, as it would be; see the ADR for both gone
  const UniqueFd file(::open(go.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  const auto exit = test_keeper().wait_exit(run.run);
  ::unlink(go.c_str());
  REQUIRE(exit);
  CHECK(exit->code == CLD_EXITED);
  CHECK(exit->status == 9);
}

TEST_CASE(
    "spawn: the app's end is open for reading and writing, so that it can be found and reopened") {
  ProcessFixture fixture;
  const auto run = fixture.spawn(direct("/bin/sleep", {"300"}));
  REQUIRE_FALSE(run.failure);
  const std::string path = "/proc/" + std::to_string(run.pid) + "/fd/1";

  struct stat link {};

  REQUIRE(::lstat(path.c_str(), &link) == 0);
  CHECK((link.st_mode & 0700) == 0700);  // r and w of the descriptor
}

TEST_CASE(
    "spawn: environment, directory, mask and limits are those of the plan and of roost's start") {
  ProcessFixture fixture;
  auto spec =
      shell("echo $PWD; umask; ulimit -n; nice; echo $NODE_APP_INSTANCE $pm_id $ROOST_ID; echo $$");
  spec.cwd = "/usr";
  spec.env["PWD"] = "/usr";
  const auto run = fixture.spawn(spec);
  REQUIRE_FALSE(run.failure);
  char id[64];
  std::snprintf(id, sizeof id, "0 7 %s.1.7.%llu.%010d\n", home_id().c_str(),
                static_cast<unsigned long long>(raw(run.run)), run.pid);
  CHECK(read_to_end(run.out.get()) ==
        "/usr\n0027\n1024\n0\n" + std::string(id) + std::to_string(run.pid) + "\n");
}

TEST_CASE("spawn: oom_score_adj and nice are given back") {
  if (::geteuid() != 0) return;
  const int old_nice = ::getpriority(PRIO_PROCESS, 0);
  REQUIRE(::setpriority(PRIO_PROCESS, 0, old_nice + 3) == 0);
  {
    loop::Loop loop;
    Spawner spawner(
        {.keeper_fd = test_keeper().fd(),
         .originals = {.oom_score_adj = 321, .nofile = 512, .umask = 077, .nice = old_nice},
         .post = [&](std::function<void()> task, Duration) { loop.post(std::move(task)); }});
    std::optional<SpawnResult> run;
    spawner.spawn(make_spawn_plan(shell("cat /proc/self/oom_score_adj; nice; umask; ulimit -n"),
                                  make_facts()),
                  [&](SpawnResult done) { run = std::move(done); });
    REQUIRE(loop.run_until([&] { return run.has_value(); }, 10s));
    REQUIRE_FALSE(run->failure);
    CHECK(read_to_end(run->out.get()) == "321\n" + std::to_string(old_nice) + "\n0077\n512\n");
  }
  ::setpriority(PRIO_PROCESS, 0, old_nice);
}

TEST_CASE("spawn: as another user, with that user's groups and variables, and without a way back") {
  if (::geteuid() != 0) return;
  ProcessFixture fixture;
  auto spec = shell(
      "id -u; id -g; id -G; echo $HOME $USER $LOGNAME $SHELL; grep -c 'Uid:.*\\b0\\b' "
      "/proc/self/status; "
      "echo via-path > /dev/stdout");
  spec.user = "nobody";
  spec.env["HOME"] = "/root";
  const auto run = fixture.spawn(spec);
  REQUIRE_FALSE(run.failure);
  CHECK(read_to_end(run.out.get()) ==
        "65534\n65534\n65534\n/nonexistent nobody nobody /usr/sbin/nologin\n0\nvia-path\n");
  CHECK(read_to_end(run.err.get()).empty());
  const auto label = test_keeper().wait_registered(run.run);
  REQUIRE(label);
  CHECK(label->pid == run.pid);
}

TEST_CASE("spawn: by interpreter and by shebang") {
  ProcessFixture fixture;
  auto spec = direct("/dev/stdin", {"x"});
  spec.kind = model::ExecKind::interpreter;
  spec.interpreter = "/bin/echo";
  spec.interpreter_args = {"-n"};
  const auto run = fixture.spawn(spec);
  REQUIRE_FALSE(run.failure);
  CHECK(read_to_end(run.out.get()) == "/dev/stdin x");
}
