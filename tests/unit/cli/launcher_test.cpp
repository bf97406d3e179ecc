// The real `roost`, copied beside a keeper of ours, in a home of its own.
#include <csignal>
#include <filesystem>
#include <sstream>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/stat.h>

#include "cli/lock_file.h"
#include "core/base/fs.h"
#include "core/base/time.h"
#include "ipc/paths.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/cli/roost_program.h"

namespace roost::cli {
namespace {

struct Install {
  test::TempDir dir;
  std::string home = dir.path() + "/home";
  std::string program = dir.path() + "/roost";

  Install() {
    namespace fs = std::filesystem;
    fs::copy_file(ROOST_PROGRAM, program);
    fs::copy_file(ROOST_FAKE_KEEPER, dir.path() + "/roost-keeper");
    REQUIRE(write_file_atomic(dir.path() + "/roostd", "", 0755));
  }

  ~Install() {
    for (const auto& start : starts())
      ::kill(std::stoi(start), SIGKILL);
  }

  void set_mode(const std::string& mode) {
    REQUIRE(make_dirs(home, 0700));
    REQUIRE(write_file_atomic(home + "/mode", mode, 0600));
  }

  [[nodiscard]] std::vector<std::string> starts() const {
    const auto text = read_file(home + "/starts", 1U << 16);
    std::vector<std::string> lines;
    if (!text) return lines;
    std::istringstream in(*text);
    for (std::string line; std::getline(in, line);)
      lines.push_back(line);
    return lines;
  }

  test::ProgramResult run(std::vector<std::string> args) const {
    return test::RoostProgram(program, home, std::move(args)).finish();
  }
};

mode_t mode_of(const std::string& path) {
  struct stat info {};

  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

}  // namespace

TEST_CASE("launcher: ping starts the pair, which answers") {
  const Install install;
  const auto result = install.run({"ping"});
  CHECK(result.status == 0);
  CHECK(result.out.starts_with("pong (roostd 9.9.9, pid "));
  CHECK(result.err.empty());
  CHECK(mode_of(install.home) == 0700);
  CHECK(mode_of(install.home + "/roost.lock") == 0600);
}

TEST_CASE("launcher: the keeper gets a session of its own, / and no descriptor but the lock") {
  const Install install;
  REQUIRE(install.run({"ping"}).status == 0);
  REQUIRE(install.starts().size() == 1);
  std::istringstream in(install.starts()[0]);
  std::string pid, sid, cwd, fds, daemon;
  in >> pid >> sid >> cwd >> fds >> daemon;
  CHECK(sid != std::to_string(::getsid(0)));
  CHECK(cwd == "/");
  CHECK(fds == "0,1,2,3");
  CHECK(daemon == install.dir.path() + "/roostd");
  CHECK_FALSE(*try_lock(install.home + "/roost.lock"));
}

TEST_CASE("launcher: fifty racing clients start one pair and are all answered") {
  const Install install;
  std::vector<test::RoostProgram> clients;
  for (int i = 0; i < 50; ++i)
    clients.emplace_back(install.program, install.home, std::vector<std::string>{"ping"});
  for (auto& client : clients) {
    const auto result = client.finish();
    CHECK_MESSAGE(result.status == 0, result.err);
  }
  CHECK(install.starts().size() == 1);
}

TEST_CASE("launcher: a daemon that ends at once is told with its own last words") {
  Install install;
  install.set_mode("die");
  REQUIRE(write_file_atomic(install.home + "/roostd.log", "E of an earlier life\n", 0600));
  const auto result = install.run({"ping"});
  CHECK(result.status == 5);
  CHECK(result.err.find("the daemon ended as soon as it was started") != std::string::npos);
  CHECK(result.err.find("E state.db is not ours") != std::string::npos);
  CHECK(result.err.find("earlier life") == std::string::npos);
}

TEST_CASE("launcher: a daemon that never answers is given up after five seconds") {
  Install install;
  install.set_mode("mute");
  const auto before = Monotonic::now();
  const auto result = install.run({"list", "--json"});
  CHECK(result.status == 5);
  CHECK(result.out.find("\"code\":\"unavailable\"") != std::string::npos);
  CHECK(Monotonic::now() - before < 8s);
}

TEST_CASE("launcher: who finds the lock taken waits for the other one's daemon") {
  Install install;
  install.set_mode("mute");
  test::RoostProgram first(install.program, install.home, {"ping"});
  const auto deadline = Monotonic::now() + 5s;
  while (install.starts().empty() && Monotonic::now() < deadline)
    (void)::poll(nullptr, 0, 2);
  test::RoostProgram second(install.program, install.home, {"ping"});
  REQUIRE(std::filesystem::remove(install.home + "/mode"));
  CHECK(first.finish().status == 0);
  CHECK(second.finish().status == 0);
  CHECK(install.starts().size() == 1);
}

TEST_CASE("launcher: kill starts nothing") {
  const Install install;
  const auto result = install.run({"kill"});
  CHECK(result.status == 0);
  CHECK(result.out == "no daemon runs for '" + install.home + "': nothing to do\n");
  CHECK_FALSE(std::filesystem::exists(install.home));
}

TEST_CASE("launcher: programs that are missing are named") {
  const Install install;
  std::filesystem::remove(install.dir.path() + "/roostd");
  const auto result = install.run({"ping"});
  CHECK(result.status == 5);
  CHECK(result.err.find("/roostd' is missing") != std::string::npos);
}

TEST_CASE("launcher: a home that others may write is refused") {
  const Install install;
  REQUIRE(make_dirs(install.home, 0777));
  REQUIRE(::chmod(install.home.c_str(), 0777) == 0);
  const auto result = install.run({"ping"});
  CHECK(result.status == 4);
  CHECK(install.starts().empty());
}

}  // namespace roost::cli
