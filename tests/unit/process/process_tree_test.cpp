#include "daemon/process/process_tree.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace roost;
using namespace roost::daemon;

namespace {

constexpr pid_t kKeeper = 10;
constexpr pid_t kDaemon = 11;
constexpr pid_t kMain = 100;

RunKey key(std::uint64_t run) {
  return {.home_id = "ab",
          .app = model::AppId{1},
          .instance = model::InstanceId{1},
          .run = model::RunId{run}};
}

// A machine with init, a keeper, a daemon and a main process that leads its session.
struct Machine {
  ProcSnapshot snapshot;

  Machine() {
    add({.pid = 1, .ppid = 0, .sid = 1, .start = 1});
    add({.pid = kKeeper, .ppid = 1, .sid = kKeeper, .start = 5});
    add({.pid = kDaemon, .ppid = kKeeper, .sid = kKeeper, .start = 6});
  }

  struct Entry {
    pid_t pid = 0;
    pid_t ppid = 0;
    pid_t sid = 0;
    std::uint64_t start = 0;
    std::uint64_t run = 0;  // of its ROOST_ID
    std::uint64_t pipe = 0;
    char state = 'S';
    pid_t root = kMain;  // of its ROOST_ID
  };

  Machine& add(const Entry& entry) {
    ProcInfo info;
    info.stat = {.id = {.pid = entry.pid, .start_ticks = entry.start},
                 .state = entry.state,
                 .ppid = entry.ppid,
                 .pgid = entry.sid,
                 .sid = entry.sid};
    if (entry.run != 0) info.roost_id = RoostId{.key = key(entry.run), .root_pid = entry.root};
    info.out_pipe = entry.pipe;
    const auto place =
        std::upper_bound(snapshot.processes.begin(), snapshot.processes.end(), entry.pid,
                         [](pid_t pid, const ProcInfo& other) { return pid < other.stat.id.pid; });
    snapshot.processes.insert(place, info);
    return *this;
  }

  Machine& add_main() {
    return add({.pid = kMain, .ppid = kKeeper, .sid = kMain, .start = 50, .run = 1, .pipe = 900});
  }

  std::vector<pid_t> find(const TreeMemory& memory = {}) const { return find(root(), memory); }

  std::vector<pid_t> find(const TreeRoot& root, const TreeMemory& memory = {}) const {
    std::vector<pid_t> pids;
    for (const auto& id : find_tree(snapshot, root, memory))
      pids.push_back(id.pid);
    return pids;
  }

  static TreeRoot root() {
    TreeRoot root;
    root.key = key(1);
    root.main = {.pid = kMain, .start_ticks = 50};
    root.keeper = kKeeper;
    root.self = kDaemon;
    root.out_pipe = 900;
    root.err_pipe = 901;
    return root;
  }
};

using Pids = std::vector<pid_t>;

}  // namespace

TEST_CASE("tree: main process first, then its descendants at any depth") {
  Machine machine;
  machine.add({.pid = 90, .ppid = 101, .sid = 90, .start = 70});  // a low number, used again
  machine.add_main();
  machine.add({.pid = 101, .ppid = kMain, .sid = 101, .start = 60});
  machine.add({.pid = 102, .ppid = 90, .sid = 102, .start = 80});
  CHECK(machine.find() == Pids{100, 90, 101, 102});
}

TEST_CASE("tree: orphans of a dead main process by session, environment and pipe") {
  Machine machine;
  machine.add({.pid = 101, .ppid = kKeeper, .sid = kMain, .start = 60});
  machine.add({.pid = 102, .ppid = kKeeper, .sid = 102, .start = 60, .run = 1});
  machine.add({.pid = 103, .ppid = kKeeper, .sid = 103, .start = 60, .pipe = 901});
  machine.add({.pid = 104, .ppid = kKeeper, .sid = 104, .start = 60});  // left no trace
  CHECK(machine.find() == Pids{101, 102, 103});
}

TEST_CASE("tree: a process seen to belong is remembered when its parent is gone") {
  Machine machine;
  machine.add({.pid = 104, .ppid = kKeeper, .sid = 104, .start = 60});
  machine.add({.pid = 105, .ppid = 104, .sid = 105, .start = 61});
  TreeMemory memory;
  memory.remember({{.pid = 104, .start_ticks = 60}});
  CHECK(machine.find(memory) == Pids{104, 105});
}

TEST_CASE("tree: the session of a remembered leader that died") {
  Machine machine;
  machine.add({.pid = 106, .ppid = kKeeper, .sid = 104, .start = 62});
  TreeMemory memory;
  memory.remember({{.pid = 104, .start_ticks = 60}});
  CHECK(machine.find(memory) == Pids{106});
}

TEST_CASE("tree: a remembered number that is somebody else's now is not followed") {
  Machine machine;
  machine.add({.pid = 104, .ppid = kKeeper, .sid = 104, .start = 99, .run = 2});
  machine.add({.pid = 105, .ppid = 104, .sid = 104, .start = 100, .run = 2});
  TreeMemory memory;
  memory.remember({{.pid = 104, .start_ticks = 60}});
  CHECK(machine.find(memory).empty());
}

TEST_CASE("tree: the main process's number used again is not the main process") {
  Machine machine;
  machine.add({.pid = kMain, .ppid = kKeeper, .sid = kMain, .start = 70, .run = 2});
  machine.add({.pid = 101, .ppid = kMain, .sid = kMain, .start = 71});
  CHECK(machine.find().empty());
}

TEST_CASE("tree: never what carries another run's id, whatever else speaks for it") {
  Machine machine;
  machine.add_main();
  machine.add({.pid = 101, .ppid = kMain, .sid = kMain, .start = 60, .run = 2, .pipe = 900});
  CHECK(machine.find() == Pids{100});
}

TEST_CASE(
    "tree: an adopted run has a new number; its processes are known by the main process's pid") {
  Machine machine;
  machine.add_main();
  machine.add({.pid = 101, .ppid = kKeeper, .sid = 101, .start = 60, .run = 1});
  machine.add({.pid = 102, .ppid = kKeeper, .sid = 102, .start = 60, .run = 1, .root = 99});
  TreeRoot adopted = Machine::root();
  adopted.key.run = model::RunId{77};
  adopted.foreign = true;
  CHECK(machine.find(adopted) == Pids{100, 101});
}

TEST_CASE("tree: a main process whose start time was never known is known by its ROOST_ID only") {
  TreeRoot root = Machine::root();
  root.main.start_ticks = 0;
  root.out_pipe = 0;
  Machine machine;
  machine.add_main();
  machine.add({.pid = 101, .ppid = kMain, .sid = kMain, .start = 60});
  CHECK(machine.find(root) == Pids{100, 101});
  Machine stranger;
  stranger.add({.pid = kMain, .ppid = kKeeper, .sid = kMain, .start = 50});
  stranger.add({.pid = 101, .ppid = kMain, .sid = kMain, .start = 60});
  CHECK(stranger.find(root).empty());
}

TEST_CASE("tree: never keeper and daemon, nor what shares their session") {
  Machine machine;
  machine.snapshot.processes[1].out_pipe =
      900;  // they hold the read end on some number: might be 1
  machine.snapshot.processes[2].out_pipe = 900;
  machine.add_main();
  machine.add({.pid = 101, .ppid = kKeeper, .sid = kKeeper, .start = 60});
  TreeMemory memory;
  memory.remember({{.pid = kDaemon, .start_ticks = 6}, {.pid = kKeeper, .start_ticks = 5}});
  CHECK(machine.find(memory) == Pids{100});
}

TEST_CASE("tree: only descendants of the keeper, unless the run is foreign") {
  Machine machine;
  machine.add_main();
  machine.add({.pid = 101, .ppid = 1, .sid = 101, .start = 60, .run = 1});
  CHECK(machine.find() == Pids{100});
  TreeRoot foreign = Machine::root();
  foreign.foreign = true;
  CHECK(machine.find(foreign) == Pids{100, 101});
}

TEST_CASE("tree: nothing older than the main process, and no zombies") {
  Machine machine;
  machine.add_main();
  machine.add({.pid = 101, .ppid = kKeeper, .sid = kMain, .start = 40});
  machine.add({.pid = 102, .ppid = kMain, .sid = kMain, .start = 60, .state = 'Z'});
  CHECK(machine.find() == Pids{100});
}

TEST_CASE("tree: a member in a session that somebody else leads does not pull in that session") {
  Machine machine;
  machine.add({.pid = 95, .ppid = kKeeper, .sid = 95, .start = 55});
  machine.add({.pid = 96, .ppid = 95, .sid = 95, .start = 56});
  machine.add_main();
  machine.add({.pid = 101, .ppid = kMain, .sid = 95, .start = 60});
  CHECK(machine.find() == Pids{100, 101});
}

TEST_CASE("tree: parents in a ring end the search") {
  Machine machine;
  machine.add({.pid = 101, .ppid = 102, .sid = 101, .start = 60});
  machine.add({.pid = 102, .ppid = 101, .sid = 102, .start = 60});
  CHECK(machine.find().empty());
}

TEST_CASE("tree memory: what was signalled is known by number and start time") {
  TreeMemory memory;
  memory.note_signalled({{.pid = 5, .start_ticks = 9}, {.pid = 4, .start_ticks = 9}});
  CHECK(memory.was_signalled({.pid = 4, .start_ticks = 9}));
  CHECK_FALSE(memory.was_signalled({.pid = 4, .start_ticks = 10}));
  CHECK_FALSE(memory.knows({.pid = 4, .start_ticks = 9}));
}
