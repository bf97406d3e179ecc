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

// What writer `number` writes. The last one shares a file with its neighbour: it is told apart by
// the top bit of its bytes, because a kill within a batch may leave part of a line before the other
// pipe's turn comes.
std::string output_of(int number, int lines) {
  std::string text;
  for (int i = 0; i < lines; ++i)
    text += std::to_string(number) + " " + std::to_string(i) +
            " the quick brown fox jumps over the lazy dog\n";
  if (number == kWriters - 1)
    for (char& c : text)
      c = static_cast<char>(c | 0x80);
  return text;
}

// A process that writes as fast as the pipe takes it.
pid_t start_writer(int fd, int number, int lines) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child != 0) return child;
  const std::string text = output_of(number, lines);
  for (std::size_t at = 0; at < text.size(); at += 3001)
    if (!write_all(fd, std::string_view(text).substr(at, 3001))) ::_exit(1);
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

  // Every byte of every writer exactly once and in order.
  void check_bytes() const {
    for (int w = 0; w < kWriters; ++w) {
      const std::string all = contents(paths[static_cast<std::size_t>(w)]);
      std::string own;
      for (const char c : all)
        if (((c & 0x80) != 0) == (w == kWriters - 1)) own += c;
      CHECK(own.size() == output_of(w, lines).size());
      CHECK((own == output_of(w, lines)));
    }
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
  Scene scene(500'000);
  std::mt19937 random(42);
  int kills = 0;
  for (; kills < 25; ++kills) {
    const pid_t pump = scene.start_pump();
    const std::uint64_t until = scene.total() + 20'000 + random() % 300'000;
    const auto deadline = Monotonic::now() + kDeadline;
    while (scene.total() < until && Monotonic::now() < deadline &&
           ::waitpid(pump, nullptr, WNOHANG) == 0) {
    }
    REQUIRE(scene.total() >= until);
    REQUIRE(::kill(pump, SIGKILL) == 0);
    CHECK_FALSE(exit_of(pump));
  }
  CHECK(exit_of(scene.start_pump()) == 0);
  scene.check_bytes();
  scene.check_marks();
}

#ifdef ROOST_KILL_POINTS
TEST_CASE("kill: at every kill point of the pump, early and late, nothing is lost or doubled") {
  Scene scene(100'000);
  for (const char* point :
       {"pump.before_open", "pump.opened", "pump.marked", "pump.marked:10", "pump.spliced",
        "pump.spliced:10", "pump.before_open:3", "pump.opened:2"}) {
    CAPTURE(std::string(point));
    CHECK_FALSE(exit_of(scene.start_pump(point)));
  }
  CHECK_FALSE(exit_of(scene.start_pump("pump.eof")));
  CHECK_FALSE(exit_of(scene.start_pump("pump.drained")));
  CHECK(exit_of(scene.start_pump()) == 0);
  scene.check_bytes();
  scene.check_marks();
}
#endif
