// The conversation with one roostd after the other: hand-over, exits, answers, watchdog.
//
// What is to be sent is derived from the table: a cursor for the hand-over, the number of the last
// exit sent, one outstanding ping. Only answers to the daemon's own messages are queued, and no
// message is read while many of them wait. So nothing blocks, grows or gets lost, however slow the
// daemon reads.
#pragma once

#include "keeper/table.h"

namespace roost::keeper {

using Millis = std::uint64_t;  // CLOCK_MONOTONIC
inline constexpr Millis kNever = ~Millis{0};

struct Pace {
  Millis ping = 4800;    // while runs are stored; a hang is seen within this and `answer`
  Millis answer = 5000;  // how long one may take, more than `ping`; a hand-over gets a quarter more
  Millis longest = 60000;  // the same after repeated kills
  bool watchdog = true;
  std::uint32_t descriptors = 0;  // told to the daemon
};

class Session {
 public:
  // `table` must outlive the session. Foreign runs are added to `epoll` (-1: none) by their pidfd,
  // tagged kFirstRunTag + position; the bell of the daemon, tagged kBellTag.
  Session(Table& table, int epoll, Pace pace) : table_(table), epoll_(epoll), pace_(pace) {}

  // Begins the hand-over to a new daemon; takes the socket.
  void open(int socket, Millis now);
  // Goes on with the daemon of a keeper that was replaced in place; takes the socket.
  void resume(int socket, Millis now);
  // The daemon is dead: reads to the end what it and its children sent, then closes. A child that
  // comes later gets EPIPE.
  void close(Millis now);

  enum class Depth { polite, all };
  // Reads what is there; `polite` leaves it while answers pile up.
  void receive(Depth depth, Millis now);
  // Sends what is due until the socket is full.
  void pump(Millis now);
  // True when the daemon owes an answer for too long, or does not read its answers.
  [[nodiscard]] bool overdue(Millis now) const;
  // The daemon was sent SIGKILL for that; the next one gets more time.
  void was_killed(Millis now);

  // The keeper itself was not running for a while: the daemon gets its time again.
  void forgive(Millis now) {
    if (s_.answer_since != kNever) s_.answer_since = now;
  }

  [[nodiscard]] Millis next_deadline() const;

  // Something may be left that was not read out of politeness, and can be now.
  [[nodiscard]] bool must_read() const { return s_.unread && replies_ <= kPoliteReplies; }

  [[nodiscard]] int socket() const { return socket_; }

  // Interest in the socket, as epoll events; 0 when it has hung up and must not be watched.
  [[nodiscard]] std::uint32_t interest() const;

  // Handed over and greeted.
  [[nodiscard]] bool ready() const { return s_.phase == Phase::ready && s_.greeted; }

  // Nothing waits to be sent: the keeper may be replaced.
  [[nodiscard]] bool idle() const { return ready() && replies_ == 0 && !s_.full && !s_.hung_up; }

  [[nodiscard]] bool quit_asked() const { return s_.quit; }

  [[nodiscard]] bool take_upgrade_request();
  void answer_upgrade(int value, Millis now);
  void watch_foreign(TableRecord* run);

 private:
  enum class Phase : std::uint8_t { hello, specs, entries, runs, exits, ready };

  // All that starts anew with each daemon.
  struct State {
    Phase phase = Phase::hello;
    std::uint32_t cursor = 0;     // in the shelf of this phase
    std::uint32_t in_window = 0;  // messages since the last window
    std::uint64_t window = 0;
    std::uint64_t ping = 0;
    Millis ping_at = kNever;
    Millis pinged_at = 0;
    Millis look_at = kNever;       // for the answer to a ping, of which no bell tells
    Millis answer_since = kNever;  // the daemon owes an answer since then
    Millis retry_at = kNever;
    int bell = -1;  // rung when the socket is to be read; -1: it is watched itself
    bool greeted = false;
    bool unread = false;
    bool window_out = false;
    bool ping_out = false;  // due or sent, not answered
    bool ping_sent = false;
    bool full = false;  // wait for EPOLLOUT
    bool hung_up = false;
    bool watchdog = true;
    bool quit = false;
    bool upgrade = false;
    bool overrun = false;  // answers did not fit: the daemon does not read
  };

  void handle(Packet& packet, Millis now);
  void take_bell(Packet& packet);
  void handle_answer(const Message& message, Millis now);
  void answer(std::uint64_t key, Verdict verdict);
  void reply(Type type, std::uint64_t key, int value);
  bool step(Millis now);
  bool step_replies(Millis now);
  bool step_hand_over(Millis now);
  bool hand_over(const Shelf& shelf, Type type, Phase next, Millis now);
  bool step_exits(Millis now);
  bool step_ping(Millis now);
  bool send(const Message& message, const int* fds, Millis now);
  void progress(Millis now);
  void hang_up(Millis now);
  [[nodiscard]] Millis answer_deadline() const;

  static constexpr std::uint32_t kMaxReplies = 4096;
  static constexpr std::uint32_t kPoliteReplies = 1024;
  static constexpr std::uint32_t kWindow = 32;

  struct Reply {
    std::uint64_t key;
    std::int32_t value;
    Type type;
  };

  Table& table_;
  int epoll_;
  Pace pace_;
  int socket_ = -1;
  unsigned kills_ = 0;  // by the watchdog, in a row
  Millis opened_at_ = 0;
  State s_;
  std::uint32_t first_reply_ = 0;
  std::uint32_t replies_ = 0;
  Reply queue_[kMaxReplies];
};

inline constexpr std::uint64_t kBellTag = 3;
inline constexpr std::uint64_t kFirstRunTag = 16;

}  // namespace roost::keeper
