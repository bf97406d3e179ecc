// A private home with a real keeper in it; the test plays roostd on the socket it gets from the
// fake daemon. Everything waits for a condition with a deadline; everything is killed at the end.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/base/unique_fd.h"
#include "keeper/link.h"
#include "tests/unit/keeper/puppet.h"

namespace roost::keeper {

inline constexpr int kDeadlineMs = 10000;

// True when `fd` shows one of `events` before the deadline.
bool wait_for(int fd, short events, int deadline_ms = kDeadlineMs);

// The next message other than pings, which are answered (unless `pong` is false); nullopt at the
// end or the deadline.
struct Received {
  Message message;
  std::vector<UniqueFd> fds;
};
enum class Pong { yes, no };
std::optional<Received> next_message(int socket, Pong pong = Pong::yes);
void tell(int socket, Type type, std::uint64_t key = 0, std::uint64_t seq = 0,
          std::int32_t value = 0);
std::string label_of(const Message& message);
bool same_file(int a, int b);
UniqueFd make_memfd(const std::string& content);
std::string read_all(int fd);
UniqueFd open_pidfd(pid_t pid);
// Everything sent so far was handled: what cannot be kept is answered.
bool settle(int socket);
void put_run(int socket, std::uint64_t key, pid_t pid, int pidfd, Type type);

// What a new daemon gets between hello and ready.
struct HandOver {
  Message hello;
  Message ready;
  UniqueFd specs;
  std::map<std::uint64_t, Received> entries;
  std::map<std::uint64_t, Received> runs;
  std::vector<Message> exits;
  int windows = 0;
  int most_between_windows = 0;
  bool complete = false;
};

// Acknowledges windows and says hello.
HandOver take_over(int socket);

struct Daemon {
  UniqueFd control;
  UniqueFd socket;
  UniqueFd lock;
  pid_t pid = 0;
  UniqueFd pidfd;

  // Kills it by SIGKILL; the keeper will notice.
  void kill_hard() const;
};

struct Child {
  pid_t pid = 0;
  UniqueFd release;  // closing it lets the child exit
  UniqueFd result;
};

// It has registered, and the keeper has read that.
bool registered(int socket, const Child& child);

class Home {
 public:
  Home();
  ~Home();
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  // Starts a keeper from copies of both programs in this home ("roost-keeper", "roostd"), so that a
  // test can replace them. `options` are appended to its arguments.
  void start_keeper(std::vector<std::string> options = {});
  // Adds a keeper that came about in another way (0: it is gone); it is killed at the end.
  void set_keeper(pid_t pid);
  // The next fake daemon that reports.
  Daemon next_daemon();
  // The child's release pipe is new, or `shared` (its read end).
  Child start_child(const Daemon& daemon, puppet::Kind kind, std::uint64_t key, int status = 0,
                    int shared = -1);
  [[nodiscard]] std::string file(const std::string& name) const;

  // True when the keeper's log contains `text` before the deadline.
  [[nodiscard]] bool wait_for_log(const std::string& text) const;

  [[nodiscard]] pid_t keeper() const { return keeper_; }

  // The keeper's exit status, when it exits before the deadline.
  std::optional<int> wait_for_keeper();
  [[nodiscard]] std::vector<pid_t> children_of_keeper() const;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  UniqueFd listener_;
  UniqueFd keeper_pidfd_;
  pid_t keeper_ = 0;
};

}  // namespace roost::keeper
