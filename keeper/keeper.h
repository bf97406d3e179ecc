// The keeper's loop: children and their deaths, the daemon's life, signals, timers.
#pragma once

#include <csignal>

#include "keeper/session.h"
#include "keeper/table.h"

namespace roost::keeper {

struct Options {
  const char* home = nullptr;    // absolute
  const char* daemon = nullptr;  // absolute path of roostd
  const char* self = nullptr;    // path of the keeper's own file, for upgrades
  int home_fd = -1;
  int lock_fd = -1;
  int table_fd = -1;
  Pace pace;
};

enum class Death : std::uint8_t {
  early,    // before it had taken over
  crashed,  // by itself
  killed    // by SIGKILL
};

// When a dead daemon is started again. One that had taken over may crash 30 times in a burst
// without any delay, then once a second; killed by somebody, ten times that. One that died early
// gets 0, 10 ms, 20 ms ... 5 s.
class Backoff {
 public:
  // The delay before the next start.
  Millis on_death(Death death, Millis now);

 private:
  Millis delay_ = 0;
  Millis booked_until_ = 0;
};

class Keeper {
 public:
  Keeper(const Options& options, Table& table, int epoll)
      : options_(options), table_(table), epoll_(epoll), session_(table, epoll, options.pace) {}

  // Blocks signals and runs until the daemon has quit and no run is left. The exit status.
  int run();

 private:
  void prepare();
  void turn();
  void wait();
  void dispatch(std::uint64_t tag, std::uint32_t events);
  void on_signals();
  void reap();
  void on_daemon_death(const siginfo_t& info);
  void spawn();
  [[noreturn]] void become_daemon(int socket);
  void look_at_foreign(TableRecord* run);
  void look_at_all_foreign();
  void watch_socket();
  void keep_proven_daemon();
  [[nodiscard]] bool finished() const;

  Options options_;
  Table& table_;
  int epoll_;
  int signals_ = -1;
  Session session_;
  Backoff backoff_;
  Millis now_ = 0;
  Millis spawn_at_ = 0;
  Millis spawned_at_ = 0;
  Millis prove_at_ = kNever;  // then the running daemon counts as good
  Millis foreign_look_at_ = kNever;
  int good_daemon_ = -1;       // O_PATH: the last roostd that lived for a while
  int crashes_ = 0;            // young deaths in a row
  std::uint32_t watched_ = 0;  // events of the socket in epoll
  bool terminate_ = false;     // SIGTERM to be passed on
  bool terminated_ = false;    // it was asked of us
};

}  // namespace roost::keeper
