// The guarantee of log-path.md for files written line by line: whatever moment the pump is killed
// at, every line is there once, whole, in order, in the file of its writer and in the shared one.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {
constexpr int kWriters = 3;
constexpr int kLines = 3000;  // of a portion

std::string line_of(int writer, int number) {
  const auto mixed = static_cast<unsigned>(number) * 2654435761U >> 9U;
  return "w" + std::to_string(writer) + " " + std::to_string(number) + " " +
         std::string(mixed % 97, static_cast<char>('a' + mixed % 26)) + "\n";
}

// Writes one portion, as fast as the pipe takes it, for each byte it reads from `orders`.
[[noreturn]] void write_portions(int fd, int orders, int writer) {
  int number = 0;
  for (char order = 0; ::read(orders, &order, 1) == 1;) {
    std::string portion;
    for (int i = 0; i < kLines; ++i)
      portion += line_of(writer, number++);
    for (std::size_t at = 0; at < portion.size(); at += 3001)
      if (!write_all(fd, std::string_view(portion).substr(at, 3001))) ::_exit(1);
  }
  ::_exit(0);
}

struct Scene {
  TempDir dir;
  std::vector<UniqueFd> pipes;
  std::vector<UniqueFd> orders;
  std::vector<pid_t> writers;
  int portions = 0;

  Scene() {
    for (int w = 0; w < kWriters; ++w) {
      TestPipe pipe;
      TestPipe order;
      ::fcntl(pipe.in.get(), F_SETFD, 0);  // inherited by the pump
      std::fflush(nullptr);
      const pid_t child = ::fork();
      if (child == 0) {
        orders.clear();
        order.out.reset();
        pipe.in.reset();
        pipes.clear();
        write_portions(pipe.out.get(), order.in.get(), w);
      }
      writers.push_back(child);
      pipes.push_back(std::move(pipe.in));
      orders.push_back(std::move(order.out));
    }
  }

  ~Scene() {
    for (const pid_t pid : writers)
      ::kill(pid, SIGKILL);
    for (const pid_t pid : writers)
      ::waitpid(pid, nullptr, 0);
  }

  [[nodiscard]] std::string path(int writer) const {
    return dir / ("app-" + std::to_string(writer) + ".log");
  }

  [[nodiscard]] std::string shared() const { return dir / "all.log"; }

  void order_portions() {
    for (const auto& order : orders)
      REQUIRE(write_all(order.get(), "1"));
    ++portions;
  }

  [[nodiscard]] pid_t start_pump(const char* die_at = nullptr) const {
    std::vector<std::string> words{PUMP_VICTIM};
    for (int w = 0; w < kWriters; ++w) {
      words.push_back(std::to_string(pipes[static_cast<std::size_t>(w)].get()));
      words.push_back(path(w));
    }
    std::vector<char*> argv;
    for (auto& word : words)
      argv.push_back(word.data());
    argv.push_back(nullptr);
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::setenv("PUMP_VICTIM_LINES", shared().c_str(), 1);
    ::setenv("PUMP_VICTIM_DIR", dir.path().c_str(), 1);
    if (die_at != nullptr) ::setenv("ROOST_DIE_AT", die_at, 1);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }

  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (int w = 0; w < kWriters; ++w)
      sum += size_of(path(w));
    return sum;
  }

  void check_lines() const {
    std::vector<int> next(kWriters, 0);
    std::vector<std::string> wrong;
    std::istringstream all(contents(shared()));
    for (std::string line; std::getline(all, line);) {
      const int writer = line.size() > 4 ? line[4] - '0' : -1;  // "T: w0 …"
      if (writer < 0 || writer >= kWriters ||
          line + "\n" != "T: " + line_of(writer, next[static_cast<std::size_t>(writer)]++))
        wrong.push_back(line);
    }
    for (std::size_t i = 0; i < std::min<std::size_t>(wrong.size(), 5); ++i)
      FAIL_CHECK("torn, doubled or out of order: " << wrong[i]);
    for (int w = 0; w < kWriters; ++w) {
      CHECK(next[static_cast<std::size_t>(w)] == portions * kLines);
      std::string own;
      for (int i = 0; i < portions * kLines; ++i)
        own += "T: " + line_of(w, i);
      CHECK((contents(path(w)) == own));
    }
  }
};

std::optional<int> exit_of(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
}
}  // namespace

TEST_CASE("kill lines: 25 times -9 in a flood, every line is there once and whole") {
  Scene scene;
  std::mt19937 random(7);
  for (int kills = 0; kills < 25; ++kills) {
    CAPTURE(kills);
    const std::uint64_t until = scene.total() + random() % 300'000;
    scene.order_portions();
    const pid_t pump = scene.start_pump();
    const auto deadline = Monotonic::now() + kDeadline;
    while (scene.total() < until && Monotonic::now() < deadline) {
    }
    CHECK(scene.total() >= until);
    REQUIRE(::kill(pump, SIGKILL) == 0);
    CHECK_FALSE(exit_of(pump));
  }
  scene.orders.clear();
  CHECK(exit_of(scene.start_pump()) == 0);
  scene.check_lines();
}

#ifdef ROOST_KILL_POINTS
TEST_CASE("kill lines: at every kill point, early and late, every line is there once and whole") {
  Scene scene;
  for (const char* point : {"pump.before_open", "pump.noted", "pump.noted:4", "pump.half_written",
                            "pump.half_written:5", "pump.written", "pump.written:2",
                            "pump.written:6", "pump.taken", "pump.taken:3", "pump.marked:3"}) {
    CAPTURE(std::string(point));
    scene.order_portions();
    CHECK_FALSE(exit_of(scene.start_pump(point)));
  }
  scene.orders.clear();
  CHECK_FALSE(exit_of(scene.start_pump("pump.eof")));
  CHECK(exit_of(scene.start_pump()) == 0);
  scene.check_lines();
}
#endif
