// Terminals: what apps write to their terminals, on its way into the pipes that the pump reads. A
// byte is in the terminal or in the pipe, never in between: one splice moves it from the one to the
// other, and both are kept by the keeper. Pump thread only.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "core/model/ids.h"

namespace roost::daemon {

class Terminals {
 public:
  [[nodiscard]] Status start();

  // Readable when work() has something to do.
  [[nodiscard]] int fd() const { return epoll_.get(); }

  void work();

  // Takes the master; `pipe` is a descriptor of the pipe, which comes to its end when nobody has
  // the terminal open any more. Returns 0, or why the terminal is not read: the master is left to
  // the caller then.
  [[nodiscard]] int add(model::RunId run, UniqueFd& master, int pipe);
  // Moves what is there, at most kMostAtOnce. Returns how many bytes: none when there is nothing,
  // the pipe is full, or the run has no terminal (any more).
  std::size_t move(model::RunId run);
  static constexpr std::size_t kMostAtOnce = 64U << 10;
  // What it may still hold is left to whoever else has it.
  void remove(model::RunId run);

 private:
  struct Terminal {
    UniqueFd master;
    UniqueFd into;       // the pipe's writing end
    bool waits = false;  // for room in the pipe; else for output
  };

  void wait_for(model::RunId run, Terminal& terminal, bool room) const;

  UniqueFd epoll_;
  std::unordered_map<model::RunId, Terminal> terminals_;
};

}  // namespace roost::daemon
