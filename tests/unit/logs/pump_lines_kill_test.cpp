// The guarantee of log-path.md for files written line by line: whatever moment the pump is killed
// at, every line is there once, whole, in order, in the file of its writer and in the shared one.
#include <algorithm>
#include <sstream>

#include "tests/unit/logs/kill_scene.h"

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

KillScene::Portions lines_of(int writer) {
  return [writer, number = 0]() mutable {
    std::string portion;
    for (int i = 0; i < kLines; ++i)
      portion += line_of(writer, number++);
    return portion;
  };
}

struct Scene {
  TempDir dir;
  KillScene play{dir, {"app-0.log", "app-1.log", "app-2.log"}, lines_of};

  Scene() {
    play.pump_environment = {{"PUMP_VICTIM_LINES", shared()}, {"PUMP_VICTIM_DIR", dir.path()}};
  }

  [[nodiscard]] std::string shared() const { return dir / "all.log"; }

  void check_lines() const {
    const int lines = static_cast<int>(play.portions) * kLines;
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
      CHECK(next[static_cast<std::size_t>(w)] == lines);
      std::string own;
      for (int i = 0; i < lines; ++i)
        own += "T: " + line_of(w, i);
      CHECK((contents(play.paths[static_cast<std::size_t>(w)]) == own));
    }
  }
};
}  // namespace

TEST_CASE("kill lines: 25 times -9 in a flood, every line is there once and whole") {
  Scene scene;
  scene.play.kill_at_random(7, 300'000);
  scene.play.end_writers();
  CHECK(scene.play.run_pump() == 0);
  scene.check_lines();
}

#ifdef ROOST_KILL_POINTS
TEST_CASE("kill lines: at every kill point, early and late, every line is there once and whole") {
  Scene scene;
  scene.play.kill_at({"pump.before_open", "pump.noted", "pump.noted:4", "pump.half_written",
                      "pump.half_written:5", "pump.written", "pump.written:2", "pump.written:6",
                      "pump.taken", "pump.taken:3", "pump.marked:3"});
  scene.check_lines();
}
#endif
