// NotifySocket: where apps send what sd_notify() sends, one datagram socket for all of a home. Who
// sent a datagram is the kernel's word (SCM_CREDENTIALS).
//
// The keeper holds a copy of the descriptor, so what is sent while there is no daemon waits in it.
// Any user may send to root's: who belongs to no app is found out for a few senders a turn, so a
// flood slows down what apps say, and not the loop.
//
// A datagram is looked at, acted upon and only then taken out. Loop thread.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "core/loop/poll.h"
#include "core/loop/timer.h"

namespace roost::daemon {

class NotifySocket {
 public:
  // False: the sender belongs to no app.
  using OnMessage = std::function<bool(pid_t sender, std::string_view text)>;

  // Makes the socket's file anew, whatever was there. `mode` of the file: 0600, or 0666 where apps
  // of other users are to reach it.
  [[nodiscard]] static Result<UniqueFd> bind(const std::string& path, mode_t mode);

  NotifySocket(loop::Loop& loop, UniqueFd fd, OnMessage on_message);

  // What has come by now, before a decision that it could change.
  void take_waiting();

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  void on_readable();
  bool take_some(int most);
  bool take_one();

  UniqueFd fd_;
  OnMessage on_message_;
  loop::Poll poll_;
  loop::Timer pause_;          // after a turn in which strangers had their share
  std::set<pid_t> strangers_;  // senders of this turn that belong to no app; kNotifyStrangers
};

// Where the socket of a home lies, and who may reach it.
struct NotifyPlace {
  std::string path;  // empty: there is no place with a name short enough
  mode_t mode = 0600;
};

// In the runtime directory, which is closed to others. Root's apps may run as anybody: theirs is
// in a directory below /run, made if need be, that all may pass through and only root writes.
[[nodiscard]] NotifyPlace find_notify_place(const std::string& runtime_dir,
                                            const std::string& home_id);
// Removes the file, and the directory below /run.
void remove_notify_place(const NotifyPlace& place);

}  // namespace roost::daemon
