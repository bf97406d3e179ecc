#include <algorithm>

#include "tests/unit/logs/kill_scene.h"

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

KillScene::Portions bytes_of(int writer) {
  return [writer, written = std::size_t{0}]() mutable {
    std::string portion(kPortion, ' ');
    for (char& c : portion)
      c = byte_of(writer, written++);
    return portion;
  };
}

using By = KillScene::By;

struct Scene {
  explicit Scene(By by)
      // The last two writers share a file.
      : play(dir, {"app-0.log", "app-1.log", "app-2.log", "app-2.log"}, bytes_of, by) {}

  TempDir dir;
  KillScene play;

  // Every byte of every writer exactly once and in order.
  void check_bytes() const {
    for (int w = 0; w < kWriters; ++w) {
      std::size_t next = 0;
      bool right = true;
      for (const char c : contents(play.paths[static_cast<std::size_t>(w)])) {
        const bool of_last = (static_cast<unsigned char>(c) & 0x80U) != 0;
        if (of_last == (w == kWriters - 1)) right = right && c == byte_of(w, next++);
      }
      CHECK(right);
      CHECK(next == play.portions * kPortion);
    }
  }

  // Marks in order, and none beyond the file.
  void check_marks() const {
    for (int w = 0; w + 1 < kWriters; ++w) {
      const std::string& path = play.paths[static_cast<std::size_t>(w)];
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
}  // namespace

TEST_CASE("kill: 25 times -9 in a flood, the next pump takes over, no byte lost or doubled") {
  for (const By by : {By::splice, By::relay}) {
    CAPTURE(by == By::relay);
    Scene scene(by);
    scene.play.kill_at_random(42, kWriters * kPortion);
    scene.play.end_writers();
    CHECK(scene.play.run_pump() == 0);
    scene.check_bytes();
    scene.check_marks();
  }
}

TEST_CASE("kill: 25 times -9 in a flood through terminals, no byte lost or doubled") {
  Scene scene(By::terminals);
  scene.play.kill_at_random(43, kWriters * kPortion);
  scene.play.end_writers();
  CHECK(scene.play.run_pump() == 0);
  scene.check_bytes();
  scene.check_marks();
}

#ifdef ROOST_KILL_POINTS
TEST_CASE("kill: between terminal, pipe and file nothing is lost or doubled") {
  Scene scene(By::terminals);
  scene.play.kill_at({"pump.fed", "pump.fed:2", "pump.fed:40", "pump.spliced", "pump.opened",
                      "pump.spliced:5", "pump.fed:300"});
  scene.check_bytes();
  scene.check_marks();
}

TEST_CASE("kill: at every kill point of the pump, early and late, nothing is lost or doubled") {
  Scene scene(By::relay);
  scene.play.kill_at({"pump.before_open", "pump.opened", "pump.marked", "pump.marked:3",
                      "pump.spliced", "pump.spliced:5", "pump.before_open:3", "pump.opened:2",
                      "pump.relay_noted", "pump.relay_noted:4", "pump.relayed", "pump.spliced:2",
                      "pump.relayed:2", "pump.relayed:7", "pump.marked:9"},
                     {"pump.eof", "pump.drained"});
  scene.check_bytes();
  scene.check_marks();
}
#endif
