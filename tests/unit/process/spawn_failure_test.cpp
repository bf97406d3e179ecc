#include <cerrno>
#include <fstream>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/process/process_fixture.h"
#include "tests/unit/process/test_keeper.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {

// A file of its own, gone at the end.
struct TempFile {
  std::string path;

  TempFile(const std::string& content, mode_t mode) {
    char name[] = "/tmp/roost-process-test-XXXXXX";
    const UniqueFd fd(::mkstemp(name));
    path = name;
    std::ofstream(path) << content;
    ::chmod(path.c_str(), mode);
  }

  ~TempFile() { ::unlink(path.c_str()); }
};

SpawnFailure fail(ProcessFixture& fixture, const model::AppSpec& spec) {
  auto run = fixture.spawn(spec);
  REQUIRE(run.failure);
  CHECK_FALSE(run.out);
  if (run.failure->registered) {
    const auto exit = test_keeper().wait_exit(run.run);
    REQUIRE(exit);
    CHECK(exit->status == 127);
  }
  return *run.failure;
}

}  // namespace

TEST_CASE("spawn failure: the program is not there, may not be run, or is none") {
  ProcessFixture fixture;
  const auto missing = fail(fixture, direct("/nowhere/app"));
  CHECK(missing.stage == SpawnStage::exec);
  CHECK(missing.registered);
  CHECK_FALSE(missing.transient);
  CHECK(missing.error.code == Errc::not_found);
  CHECK(missing.error.message == "exec '/nowhere/app': No such file or directory");

  const TempFile text("just text\n", 0755);
  const auto none = fail(fixture, direct(text.path));
  CHECK(none.errnum == ENOEXEC);
  CHECK(none.error.hint.find("'#!'") != std::string::npos);

  const TempFile locked("#!/bin/sh\n", 0644);
  const auto denied = fail(fixture, direct(locked.path));
  CHECK(denied.error.code == Errc::denied);
  CHECK(denied.error.hint.find("chmod +x") != std::string::npos);

  const TempFile lost("#!/nowhere/interpreter\n", 0755);
  const auto interpreter = fail(fixture, direct(lost.path));
  CHECK(interpreter.error.hint.find("interpreter it names") != std::string::npos);
}

TEST_CASE("spawn failure: a program that somebody is writing is worth another try") {
  ProcessFixture fixture;
  const TempFile busy("#!/bin/sh\n", 0755);
  const UniqueFd writer(::open(busy.path.c_str(), O_WRONLY | O_CLOEXEC));
  const auto failure = fail(fixture, direct(busy.path));
  CHECK(failure.errnum == ETXTBSY);
  CHECK(failure.transient);
}

TEST_CASE("spawn failure: the directory is not there; nothing was registered") {
  ProcessFixture fixture;
  auto spec = direct("/bin/true");
  spec.cwd = "/nowhere";
  const auto failure = fail(fixture, spec);
  CHECK(failure.stage == SpawnStage::cwd);
  CHECK_FALSE(failure.registered);
  CHECK(failure.error.message == "cwd '/nowhere': No such file or directory");
}

TEST_CASE("spawn failure: no such user") {
  ProcessFixture fixture;
  auto spec = direct("/bin/true");
  spec.user = "nosuchuser";
  const auto failure = fail(fixture, spec);
  CHECK(failure.stage == SpawnStage::user);
  CHECK(failure.error.code == Errc::not_found);
  CHECK(failure.error.message == "user 'nosuchuser' does not exist");
}

TEST_CASE("spawn failure: no descriptors left is transient, and passes") {
  ProcessFixture fixture;
  REQUIRE_FALSE(fixture.spawn(direct("/bin/true")).failure);
  rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &old) == 0);
  rlimit none = old;
  none.rlim_cur = 16;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto run = fixture.spawn(direct("/bin/true"));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &old) == 0);
  REQUIRE(run.failure);
  CHECK(run.failure->errnum == EMFILE);
  CHECK(run.failure->transient);
  CHECK(run.failure->error.code == Errc::unavailable);
  CHECK_FALSE(fixture.spawn(direct("/bin/true")).failure);
}

TEST_CASE("spawn failure: without a keeper nothing is started") {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
  const UniqueFd ours(pair[0]);
  ::close(pair[1]);
  loop::Loop loop;
  Spawner spawner(
      {.keeper_fd = ours.get(), .originals = {}, .post = [&](std::function<void()> task, Duration) {
         loop.post(std::move(task));
       }});
  std::optional<SpawnResult> run;
  spawner.spawn(make_spawn_plan(shell("echo never"), make_facts()),
                [&](SpawnResult done) { run = std::move(done); });
  REQUIRE(loop.run_until([&] { return run.has_value(); }, 10s));
  REQUIRE(run->failure);
  CHECK(run->failure->stage == SpawnStage::register_run);
  CHECK(run->failure->errnum == EPIPE);
  CHECK_FALSE(run->failure->registered);
}

TEST_CASE("spawner: what waits when it is destroyed is forgotten") {
  loop::Loop loop;
  int done = 0;
  {
    Spawner spawner(
        {.keeper_fd = test_keeper().fd(),
         .originals = {},
         .post = [&](std::function<void()> task, Duration) { loop.post(std::move(task)); }});
    for (int i = 0; i < 50; ++i)
      spawner.spawn(make_spawn_plan(direct("/bin/true"), make_facts()),
                    [&](SpawnResult) { ++done; });
  }
  CHECK_FALSE(loop.run_until([&] { return done == 50; }, 20ms));
}
