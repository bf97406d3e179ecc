#include "ipc/paths.h"

#include <cstdlib>
#include <optional>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "tests/support/temp_dir.h"

using namespace roost;
using namespace roost::ipc;

namespace {

// Sets or removes an environment variable for the length of a test.
class EnvScope {
 public:
  EnvScope(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name); old != nullptr) old_ = old;
    if (value != nullptr)
      ::setenv(name, value, 1);
    else
      ::unsetenv(name);
  }

  ~EnvScope() {
    if (old_)
      ::setenv(name_, old_->c_str(), 1);
    else
      ::unsetenv(name_);
  }

  EnvScope(const EnvScope&) = delete;
  EnvScope& operator=(const EnvScope&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

unsigned mode_of(const std::string& path) {
  struct stat info {};

  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

}  // namespace

TEST_CASE("paths: ROOST_HOME wins over HOME, and neither is an error with a hint") {
  const EnvScope home("HOME", "/home/x");
  {
    const EnvScope roost_home("ROOST_HOME", "/srv/roost//");
    CHECK(paths_from_environment()->socket() == "/srv/roost/roost.sock");
  }
  const EnvScope no_roost_home("ROOST_HOME", nullptr);
  const Result<Paths> paths = paths_from_environment();
  CHECK(paths->home == "/home/x/.roost");
  CHECK(paths->log_dir == "/home/x/.roost/logs");
  CHECK(paths->state_db() == "/home/x/.roost/state.db");
  const EnvScope no_home("HOME", nullptr);
  REQUIRE_FALSE(paths_from_environment());
  CHECK(paths_from_environment().error().hint.find("set ROOST_HOME") == 0);
}

TEST_CASE("paths: a relative home becomes absolute") {
  const Result<Paths> paths = paths_for_home("some/home");
  CHECK(paths->home.front() == '/');
  CHECK(paths->home.find("/some/home") != std::string::npos);
  CHECK_FALSE(paths_for_home(""));
  CHECK(paths_for_home("/" + std::string(439, 'x')));
  CHECK_FALSE(paths_for_home("/" + std::string(440, 'x')));  // no database could be opened there
}

TEST_CASE(
    "ensure_home: makes private directories whatever the umask, and closes one that is open for "
    "reading") {
  const test::TempDir temp;
  const Result<Paths> paths = paths_for_home(temp.path() + "/deep/er/home");
  for (const mode_t mask : {0000, 0777}) {
    const mode_t old = ::umask(mask);
    const Status made = ensure_home(*paths);
    ::umask(old);
    REQUIRE(made);
    CHECK(mode_of(paths->home) == 0700);
    CHECK(mode_of(paths->log_dir) == 0700);
  }
  REQUIRE(::chmod(paths->home.c_str(), 0755) == 0);
  REQUIRE(ensure_home(*paths));
  CHECK(mode_of(paths->home) == 0700);
}

TEST_CASE("ensure_home: leaves a directory alone that others use as well") {
  const test::TempDir temp;
  const Result<Paths> paths = paths_for_home(temp.path() + "/project");
  REQUIRE(::mkdir(paths->home.c_str(), 0700) == 0);
  REQUIRE(::chmod(paths->home.c_str(), 0755) == 0);
  REQUIRE(::mkdir((paths->home + "/src").c_str(), 0700) == 0);
  const Status refused = ensure_home(*paths);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::denied);
  CHECK(mode_of(paths->home) == 0755);
  CHECK(::access(paths->log_dir.c_str(), F_OK) != 0);
  REQUIRE(::chmod(paths->home.c_str(), 0700) == 0);  // nobody else's now
  CHECK(ensure_home(*paths));
}

TEST_CASE("ensure_home: refuses a home that others may write") {
  const test::TempDir temp;
  const Result<Paths> paths = paths_for_home(temp.path() + "/home");
  REQUIRE(ensure_home(*paths));
  for (const mode_t mode : {0720, 0702, 01777}) {
    REQUIRE(::chmod(paths->home.c_str(), mode) == 0);
    const Status refused = ensure_home(*paths);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::denied);
    CHECK(refused.error().hint.find("chmod 700") == 0);
  }
}

TEST_CASE("ensure_home: refuses a home of another user" * doctest::skip(::geteuid() != 0)) {
  const test::TempDir temp;
  const Result<Paths> paths = paths_for_home(temp.path() + "/home");
  REQUIRE(::mkdir(paths->home.c_str(), 0700) == 0);
  REQUIRE(::chown(paths->home.c_str(), 12345, 12345) == 0);
  const Status refused = ensure_home(*paths);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("belongs to uid 12345") != std::string::npos);
}

TEST_CASE("pid files: a number or nothing") {
  const test::TempDir temp;
  const std::string path = temp.path() + "/pid";
  CHECK(read_pid_file(path) == 0);
  REQUIRE(write_file_atomic(path, "1234\n", 0600));
  CHECK(read_pid_file(path) == 1234);
  REQUIRE(write_file_atomic(path, "-5", 0600));
  CHECK(read_pid_file(path) == 0);
  REQUIRE(write_file_atomic(path, "garbage", 0600));
  CHECK(read_pid_file(path) == 0);
}
