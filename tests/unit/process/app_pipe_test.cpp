#include "daemon/process/app_pipe.h"

#include <csignal>
#include <string>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/process/scratch_fds.h"

using namespace roost;
using namespace roost::daemon;

namespace {

AppPipe make() {
  int errnum = 0;
  auto pipe = make_app_pipe(open_own_descriptors().get(), errnum);
  REQUIRE(pipe);
  return std::move(*pipe);
}

}  // namespace

TEST_CASE("app pipe: without any reader the app can still write, and a later reader gets it") {
  AppPipe pipe = make();
  pipe.read.reset();
  CHECK(::write(pipe.app.get(), "kept\n", 5) == 5);
  const std::string path = "/proc/self/fd/" + std::to_string(pipe.app.get());
  const UniqueFd again(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  REQUIRE(again);
  pipe.app.reset();
  char bytes[16];
  CHECK(::read(again.get(), bytes, sizeof bytes) == 5);
  CHECK(::read(again.get(), bytes, sizeof bytes) == 0);
}

TEST_CASE("app pipe: the daemon's end does not block, the app's does, and neither survives exec") {
  const AppPipe pipe = make();
  CHECK((::fcntl(pipe.read.get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(pipe.app.get(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK((::fcntl(pipe.app.get(), F_GETFL) & O_ACCMODE) == O_RDWR);
  CHECK(::fcntl(pipe.read.get(), F_GETFD) == FD_CLOEXEC);
  CHECK(::fcntl(pipe.app.get(), F_GETFD) == FD_CLOEXEC);
}

TEST_CASE("scratch descriptors: what is opened lies above them; what came in below is raised") {
  const UniqueFd file(::open("/dev/null", O_RDONLY));
  CHECK(file.get() >= kScratchFds);
  REQUIRE(::dup2(file.get(), 5) == 5);  // as if inherited there
  const auto raised = raise_fd(5);
  REQUIRE(raised);
  const UniqueFd owner(*raised);
  CHECK(*raised >= kScratchFds);
  CHECK(::fcntl(*raised, F_GETFD) == FD_CLOEXEC);
  CHECK(::fcntl(5, F_GETFD) == FD_CLOEXEC);  // /dev/null again
  CHECK(*raise_fd(file.get()) == file.get());
  CHECK_FALSE(raise_fd(9999));
}
