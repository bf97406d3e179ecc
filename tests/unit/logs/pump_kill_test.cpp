#include <cstdio>
#include <cstdlib>
#include <optional>

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/logs/pump_rig.h"

using namespace roost;
using namespace roost::daemon;
using namespace roost::daemon::test;

namespace {
constexpr int kWriters = 4;

// A process that writes numbered lines as fast as the pipe takes them.
pid_t start_writer(int fd, int number, int lines) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child != 0) return child;
  std::string batch;
  for (int i = 0; i < lines; ++i) {
    batch += std::to_string(number) + " " + std::to_string(i) +
             " the quick brown fox jumps over the lazy dog\n";
    if (batch.size() < 3000 && i + 1 < lines) continue;
    if (!write_all(fd, batch)) ::_exit(1);
    batch.clear();
  }
  ::_exit(0);
}

// Writers whose pipes one pump process after the other takes over.
struct Scene {
  TempDir dir;
  std::vector<UniqueFd> pipes;
  std::vector<std::string> paths;
  std::vector<pid_t> writers;
  int lines;

  explicit Scene(int lines_each) : lines(lines_each) {
    for (int w = 0; w < kWriters; ++w) {
      TestPipe pipe;
      ::fcntl(pipe.in.get(), F_SETFD, 0);  // inherited by the pump
      // The last two writers share a file.
      paths.push_back(dir / ("app-" + std::to_string(std::min(w, kWriters - 2)) + ".log"));
      writers.push_back(start_writer(pipe.out.get(), w, lines));
      pipes.push_back(std::move(pipe.in));
    }
  }

  ~Scene() {
    for (const pid_t pid : writers)
      ::kill(pid, SIGKILL);
    for (const pid_t pid : writers)
      ::waitpid(pid, nullptr, 0);
  }

  [[nodiscard]] pid_t start_pump(const char* die_at = nullptr) const {
    std::vector<std::string> words{PUMP_VICTIM};
    for (std::size_t i = 0; i < pipes.size(); ++i) {
      words.push_back(std::to_string(pipes[i].get()));
      words.push_back(paths[i]);
    }
    std::vector<char*> argv;
    for (auto& word : words)
      argv.push_back(word.data());
    argv.push_back(nullptr);
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (die_at != nullptr) ::setenv("ROOST_DIE_AT", die_at, 1);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }

  [[nodiscard]] std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (int w = 0; w + 1 < kWriters; ++w)
      sum += size_of(paths[static_cast<std::size_t>(w)]);
    return sum;
  }

  // Every line of every writer exactly once and in order.
  void check_lines() const {
    std::vector<int> next(kWriters, 0);
    bool right = true;
    for (int w = 0; w + 1 < kWriters; ++w) {
      std::ifstream file(paths[static_cast<std::size_t>(w)]);
      for (std::string line; std::getline(file, line);) {
        int writer = -1;
        int number = -1;
        int used = 0;
        right = right &&
                std::sscanf(line.c_str(), "%d %d the quick brown fox jumps over the lazy dog%n",
                            &writer, &number, &used) == 2 &&
                static_cast<std::size_t>(used) == line.size() && writer >= w && writer < kWriters &&
                number == next[static_cast<std::size_t>(writer)]++;
      }
    }
    CHECK(right);
    for (const int count : next)
      CHECK(count == lines);
  }

  // Marks in order, and none beyond the file.
  void check_marks() const {
    for (int w = 0; w + 1 < kWriters; ++w) {
      const std::string& path = paths[static_cast<std::size_t>(w)];
      const auto marks = marks_of(path);
      REQUIRE_FALSE(marks.empty());
      CHECK(marks.front().offset == 0);
      bool ordered = true;
      for (std::size_t i = 1; i < marks.size(); ++i)
        ordered = ordered && marks[i].offset > marks[i - 1].offset &&
                  marks[i].seq > marks[i - 1].seq && marks[i].wall_ns != 0;
      CHECK(ordered);
      CHECK(marks.back().offset <= size_of(path));
    }
  }
};

std::optional<int> exit_of(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
}
}  // namespace

TEST_CASE(
    "kill: 25 times -9 in the middle of a flood, the next pump takes over, no byte lost or "
    "doubled") {
  Scene scene(150'000);
  std::mt19937 random(42);
  int kills = 0;
  for (; kills < 25; ++kills) {
    const pid_t pump = scene.start_pump();
    const std::uint64_t until = scene.total() + 50'000 + random() % 500'000;
    const auto deadline = Monotonic::now() + kDeadline;
    while (scene.total() < until && Monotonic::now() < deadline &&
           ::waitpid(pump, nullptr, WNOHANG) == 0) {
    }
    REQUIRE(scene.total() >= until);
    REQUIRE(::kill(pump, SIGKILL) == 0);
    CHECK_FALSE(exit_of(pump));
  }
  CHECK(exit_of(scene.start_pump()) == 0);
  scene.check_lines();
  scene.check_marks();
}

#ifdef ROOST_KILL_POINTS
TEST_CASE("kill: at every kill point of the pump, early and late, nothing is lost or doubled") {
  Scene scene(200'000);
  for (const char* point :
       {"pump.before_open", "pump.opened", "pump.marked", "pump.marked:10", "pump.spliced",
        "pump.spliced:10", "pump.before_open:3", "pump.opened:2"}) {
    CAPTURE(point);
    CHECK_FALSE(exit_of(scene.start_pump(point)));
  }
  CHECK_FALSE(exit_of(scene.start_pump("pump.eof")));
  CHECK_FALSE(exit_of(scene.start_pump("pump.drained")));
  CHECK(exit_of(scene.start_pump()) == 0);
  scene.check_lines();
  scene.check_marks();
}
#endif
