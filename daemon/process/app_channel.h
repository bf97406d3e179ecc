// AppChannel: the daemon's end of an app's IPC channel (Node's protocol: JSON texts, one a line).
// The app may say that it is ready; whatever else it sends, at any rate, is read and ignored.
//
// The keeper holds a copy of the descriptor, so what arrives while there is no daemon waits in the
// socket. A message is looked at, acted upon and only then taken out: a daemon that is killed in
// between leaves it to the next one. Loop thread.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "core/base/time.h"
#include "core/base/unique_fd.h"
#include "core/loop/poll.h"
#include "core/loop/timer.h"

namespace roost::daemon {

class AppChannel {
 public:
  struct Hooks {
    std::function<void()> on_ready;
    std::function<void()> on_closed;  // the app's side is closed; nothing more comes
  };

  // Takes the end, which is at a number above the scratch descriptors.
  AppChannel(loop::Loop& loop, UniqueFd fd, Hooks hooks);

  // The message "shutdown", whole or not at all. False when it cannot be sent: the app has closed
  // its side, or leaves so much unread.
  [[nodiscard]] bool send_shutdown();

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  void on_readable();
  [[nodiscard]] std::size_t take_lines(std::string_view seen, int& handles);
  void take_line(std::string_view line, int& handles);
  void on_incomplete(std::size_t size);
  void consume(std::size_t size);
  void pause(Duration how_long);
  void resume();
  void close();

  UniqueFd fd_;
  Hooks hooks_;
  loop::Poll poll_;
  loop::Timer pause_;
  bool skipping_ = false;  // what comes up to the next newline belongs to a message too long
  TimePoint incomplete_since_{};
  Duration retry_ = 0s;
};

}  // namespace roost::daemon
