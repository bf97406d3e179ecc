// Session: one client connection. Reads frames, hands requests to the Dispatcher, writes replies
// from a bounded queue. Handlers never see it: they hold a ReplyTo, which knows the session by id
// and survives it. Loop thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "core/loop/poll.h"
#include "core/loop/timer.h"
#include "daemon/api/send_queue.h"
#include "ipc/frame.h"

namespace roost::daemon {

enum class SessionId : std::uint64_t {};

class Session {
 public:
  struct Callbacks {
    std::function<void(std::uint32_t id, std::string payload)> on_request;
    std::function<void()>
        on_closed;  // at most once; the owner removes the session at the end of the turn
  };

  Session(loop::Loop& loop, UniqueFd socket, Callbacks callbacks);
  [[nodiscard]] Status start();

  // One message. A client that leaves more than kMaxUnreadBytes unread is dropped.
  void send(ipc::FrameType type, std::uint32_t id, std::string_view payload);
  // Keep-alive events go out every second while waits are pending.
  void begin_wait();
  void end_wait();
  // Closes when everything is written.
  void close_when_written();

  [[nodiscard]] bool is_open() const { return open_; }

  // Bytes that once waited for the client.
  [[nodiscard]] std::size_t most_unread() const { return most_unread_; }

 private:
  void on_events(unsigned events);
  void read_some();
  void take_frames();
  void handle_frames();
  void write_some();
  void write_out();
  void watch();
  void close();

  loop::Loop& loop_;
  UniqueFd socket_;
  Callbacks callbacks_;
  loop::Poll poll_;
  loop::Timer more_;        // while requests that were read wait for their turn
  loop::Timer deadline_;    // for a frame that was begun
  loop::Timer keep_alive_;  // while a wait is pending
  ipc::FrameDecoder decoder_{ipc::Side::daemon};
  SendQueue out_;
  std::size_t most_unread_ = 0;
  int waits_ = 0;
  bool corked_ = false;
  bool open_ = true;
  bool closing_ = false;
};

}  // namespace roost::daemon
