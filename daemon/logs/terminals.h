// Terminals: what apps write to their terminals, on its way into the pipes that the pump reads. A
// byte is in the terminal or in the pipe, never in between: one splice moves it from the one to the
// other, and both are kept by the keeper. Pump thread only.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/unique_fd.h"
#include "core/model/ids.h"

namespace roost::daemon {

class Terminals {
 public:
  [[nodiscard]] Status start();

  // Readable when work() has something to do.
  [[nodiscard]] int fd() const { return epoll_.get(); }

  void work();

  // Nobody has some terminals open, but may open them again: those are looked at then. The end of
  // time: none.
  [[nodiscard]] TimePoint next_look() const;
  void look(TimePoint now);

  // Takes the master; `pipe` is a descriptor of the pipe, which comes to its end when nobody has
  // the terminal open any more after finish(). Returns 0, or why the terminal is
  // not read: the master is left to the caller then.
  [[nodiscard]] int add(model::RunId run, UniqueFd& master, int pipe);
  // Moves what is there, at most kMostAtOnce. Returns how many bytes: none when there is nothing,
  // the pipe is full, or the run has no terminal (any more).
  std::size_t move(model::RunId run);
  static constexpr std::size_t kMostAtOnce = 64U << 10;
  // The app has ended: whoever has the terminal open now is the last to have it.
  void finish(model::RunId run);
  // What it may still hold is left to whoever else has it.
  void remove(model::RunId run);

 private:
  struct Terminal {
    UniqueFd master;
    UniqueFd into;  // the pipe's writing end
    bool finishing = false;
    enum class Waits : std::uint8_t { output, room, opening };
    Waits waits = Waits::output;  // for what; in epoll with the descriptor that tells
    TimePoint look_at{};          // waits for opening: then
    Duration pause{};             // and after that
  };

  using Found = std::unordered_map<model::RunId, Terminal>::iterator;

  std::size_t move(Found found);
  void wait_for(Found found, Terminal::Waits what) const;
  void closed(Found found);
  [[nodiscard]] int watched(const Terminal& terminal) const;

  UniqueFd epoll_;
  std::unordered_map<model::RunId, Terminal> terminals_;
};

}  // namespace roost::daemon
