#include "core/base/fs.h"

#include <filesystem>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

using namespace roost;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat info {};

  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

class UmaskScope {
 public:
  explicit UmaskScope(mode_t mask) : old_(::umask(mask)) {}

  ~UmaskScope() { ::umask(old_); }

  UmaskScope(const UmaskScope&) = delete;
  UmaskScope& operator=(const UmaskScope&) = delete;

 private:
  mode_t old_;
};

}  // namespace

TEST_CASE(
    "fs: a file written is read back, with exactly the mode asked for, and nothing else is left") {
  const test::TempDir home;
  for (const mode_t mask : {0000, 0077, 0777}) {
    const UmaskScope scope(mask);
    REQUIRE(write_file_atomic(home.path() + "/f", "content\n", 0600));
    CHECK(*read_file(home.path() + "/f", 100) == "content\n");
    CHECK(mode_of(home.path() + "/f") == 0600);
  }
  REQUIRE(write_file_atomic(home.path() + "/f", "other", 0644));
  CHECK(*read_file(home.path() + "/f", 5) == "other");
  CHECK(std::distance(std::filesystem::directory_iterator(home.path()), {}) == 1);
}

TEST_CASE("fs: a write that fails leaves the old file and no temporary one") {
  const test::TempDir home;
  REQUIRE(::mkdir((home.path() + "/d").c_str(), 0700) == 0);
  CHECK_FALSE(write_file_atomic(home.path() + "/d", "x", 0600));
  CHECK(std::distance(std::filesystem::directory_iterator(home.path()), {}) == 1);
  CHECK_FALSE(write_file_atomic(home.path() + "/absent/f", "x", 0600));
}

TEST_CASE("fs: reading refuses more than the limit, and tells an absent file") {
  const test::TempDir home;
  REQUIRE(write_file_atomic(home.path() + "/f", std::string(40'000, 'x'), 0600));
  CHECK(read_file(home.path() + "/f", 39'999).error().code == Errc::invalid);
  CHECK(read_file(home.path() + "/f", 40'000)->size() == 40'000);
  CHECK(read_file(home.path() + "/none", 10).error().code == Errc::not_found);
  CHECK(read_file("/proc/self/stat", 4096)->size() > 10);
}

TEST_CASE(
    "fs: directories are made with all parents, whatever the umask, and existing ones are kept") {
  const test::TempDir home;
  const UmaskScope scope(0777);
  REQUIRE(make_dirs(home.path() + "/a/b/c", 0700));
  CHECK(mode_of(home.path() + "/a") == 0700);
  CHECK(mode_of(home.path() + "/a/b/c") == 0700);
  REQUIRE(::chmod((home.path() + "/a").c_str(), 0755) == 0);
  REQUIRE(make_dirs(home.path() + "/a/b/c/", 0700));
  CHECK(mode_of(home.path() + "/a") == 0755);
  REQUIRE(write_file_atomic(home.path() + "/file", "", 0600));
  CHECK(make_dirs(home.path() + "/file", 0700).error().code == Errc::exists);
  CHECK(make_dirs(home.path() + "/file/x", 0700).error().code == Errc::exists);
}
