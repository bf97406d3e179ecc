// ProbeChild: one look at something from outside, by a child process of the daemon: `roost probe`,
// which connects or runs the user's command, and ends itself when its time is over. So the daemon
// opens no socket, runs no code of the user's, and leaves nothing behind when it is killed. Loop
// thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "core/loop/worker.h"
#include "daemon/process/proc_snapshot.h"

namespace roost::daemon {

struct ProbePlan {
  std::string program;  // roost
  std::string kind;     // http, tcp, file or exec
  std::string target;
  Duration timeout = 5s;
  std::string cwd = "/";         // of exec
  std::vector<std::string> env;  // "NAME=value"
  ProcessId like{};              // with the user and groups of this process; pid 0 = as the daemon
};

struct ProbeOutcome {
  bool passed = false;
  bool tried = true;   // false: it could not be made, which says nothing about what it was for
  std::string output;  // what it printed, at most limits::kMaxProbeOutput; why it failed
  Duration took = 0s;
};

class ProbeChild {
 public:
  using Done = std::function<void(ProbeOutcome)>;

  // `done` is called once, in a later turn, and may destroy this. Not to be destroyed before it,
  // but at the end of the loop.
  ProbeChild(loop::Loop& loop, loop::Worker& worker, ProbePlan plan, Done done);
  // One that runs is told to end.
  ~ProbeChild();
  ProbeChild(const ProbeChild&) = delete;
  ProbeChild& operator=(const ProbeChild&) = delete;

  // Its time is over now: it ends itself and what it started, and `done` follows.
  void end();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace roost::daemon
