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
constexpr std::size_t kPortion = 256U << 10;

// What writer `number` writes, from a byte on. The last one shares a file with its neighbour: it is
// told apart by the top bit of its bytes, because a kill within a batch may leave part of a line
// before the other pipe's turn comes.
char byte_of(int number, std::size_t at) {
  const auto mixed = (at * 2654435761U) >> 7U ^ static_cast<std::size_t>(number);
  const auto low = static_cast<unsigned>(mixed & 0x7FU);
  return static_cast<char>(number == kWriters - 1 ? low | 0x80U : low);
}

// Writes one portion, as fast as the pipe takes it, for each byte it reads from `orders`, and ends
// with it.
[[noreturn]] void write_portions(int fd, int orders, int number) {
  std::size_t written = 0;
  std::string portion(kPortion, ' ');
  for (char order = 0; ::read(orders, &order, 1) == 1;) {
    for (char& c : portion)
      c = byte_of(number, written++);
    for (std::size_t at = 0; at < portion.size(); at += 3001)
      if (!write_all(fd, std::string_view(portion).substr(at, 3001))) ::_exit(1);
  }
  ::_exit(0);
}

// Writers whose pipes one pump process after the other takes over.
struct Scene {
  TempDir dir;
  std::vector<UniqueFd> pipes;
  std::vector<UniqueFd> orders;
  std::vector<std::string> paths;
  std::vector<pid_t> writers;
  std::size_t portions = 0;

  Scene() {
    for (int w = 0; w < kWriters; ++w) {
      TestPipe pipe;
      TestPipe order;
      ::fcntl(pipe.in.get(), F_SETFD, 0);  // inherited by the pump
      std::fflush(nullptr);
      const pid_t child = ::fork();
      if (child == 0) {
        orders.clear();  // the ends by which the others are told
        order.out.reset();
        pipe.in.reset();
        pipes.clear();
        write_portions(pipe.out.get(), order.in.get(), w);
      }
      writers.push_back(child);
      // The last two writers share a file.
      paths.push_back(dir / ("app-" + std::to_string(std::min(w, kWriters - 2)) + ".log"));
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

  void order_portions() {
    for (const auto& order : orders)
      REQUIRE(write_all(order.get(), "1"));
    ++portions;
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
      std::size_t next = 0;
      bool right = true;
      for (const char c : contents(paths[static_cast<std::size_t>(w)])) {
        const bool of_last = (static_cast<unsigned char>(c) & 0x80U) != 0;
        if (of_last == (w == kWriters - 1)) right = right && c == byte_of(w, next++);
      }
      CHECK(right);
      CHECK(next == portions * kPortion);
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

TEST_CASE("kill: 25 times -9 in a flood, the next pump takes over, no byte lost or doubled") {
  Scene scene;
  std::mt19937 random(42);
  for (int kills = 0; kills < 25; ++kills) {
    CAPTURE(kills);
    const std::uint64_t until = scene.total() + random() % (kWriters * kPortion);
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
  scene.check_bytes();
  scene.check_marks();
}

#ifdef ROOST_KILL_POINTS
TEST_CASE("kill: at every kill point of the pump, early and late, nothing is lost or doubled") {
  Scene scene;
  for (const char* point :
       {"pump.before_open", "pump.opened", "pump.marked", "pump.marked:3", "pump.spliced",
        "pump.spliced:5", "pump.before_open:3", "pump.opened:2"}) {
    CAPTURE(std::string(point));
    scene.order_portions();
    CHECK_FALSE(exit_of(scene.start_pump(point)));
  }
  scene.orders.clear();
  CHECK_FALSE(exit_of(scene.start_pump("pump.eof")));
  CHECK_FALSE(exit_of(scene.start_pump("pump.drained")));
  CHECK(exit_of(scene.start_pump()) == 0);
  scene.check_bytes();
  scene.check_marks();
}
#endif
