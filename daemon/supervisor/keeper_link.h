// KeeperLink: roostd's end of the socket to the keeper (keeper/protocol.h). Turns messages into
// calls of a listener and answers by itself what needs no policy (hello, window, ping). Loop
// thread.
//
// Children register themselves on the same socket from the spawner's thread; a datagram is whole,
// so the two never mix.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "core/loop/poll.h"
#include "core/model/ids.h"
#include "core/model/label.h"
#include "keeper/protocol.h"

namespace roost::daemon {

using LabelBytes = std::array<std::uint8_t, model::kLabelCapacity>;

// What the keeper says at the beginning.
struct KeeperFacts {
  std::uint64_t epoch = 0;
  std::uint64_t serial = 0;
  std::uint32_t capacity = 0;     // runs
  std::uint32_t fd_capacity = 0;  // descriptors of runs and entries together
};

struct KeeperRun {
  model::RunId run{};
  LabelBytes label{};
  bool foreign = false;
  UniqueFd pidfd{};
  UniqueFd out{};
  UniqueFd err{};
  UniqueFd channel{};
};

struct KeeperExit {
  model::RunId run{};
  std::uint64_t seq = 0;
  int code = 0;
  int status = 0;
};

class KeeperListener {
 public:
  virtual ~KeeperListener() = default;
  virtual void on_keeper_specs(UniqueFd memfd) = 0;
  virtual void on_keeper_entry(std::uint64_t key, const LabelBytes& label, UniqueFd fd) = 0;
  virtual void on_keeper_run(KeeperRun run) = 0;
  virtual void on_keeper_exit(const KeeperExit& exit) = 0;
  virtual void on_keeper_ready() = 0;
  virtual void on_keeper_ping() = 0;  // every few seconds
  // An entry or run was not kept; `bare`: only its descriptors were not.
  virtual void on_keeper_refused(std::uint64_t key, bool bare) = 0;
  virtual void on_keeper_upgraded(bool done) = 0;  // the answer to upgrade()
  virtual void on_keeper_gone() = 0;               // the keeper is dead
};

class KeeperLink {
 public:
  // Takes the socket, which is at a number above the scratch descriptors.
  KeeperLink(loop::Loop& loop, UniqueFd socket, KeeperListener& listener);

  [[nodiscard]] Status start();

  [[nodiscard]] const KeeperFacts& facts() const { return facts_; }

  [[nodiscard]] int fd() const { return socket_.get(); }

  // Written to when the keeper is to read at once.
  [[nodiscard]] int bell() const { return bell_.get(); }

  // Goes with the next message (a pong, if there is no other): the keeper need not be woken for it.
  // Without the watchdog there are no pongs, and up to kMaxHeldAcks wait for a real message.
  void ack_exit(model::RunId run, std::uint64_t seq);
  void adopt_run(model::RunId run, const LabelBytes& label, pid_t pid, int pidfd, int out, int err);
  void store_entry(std::uint64_t key, std::span<const std::uint8_t> label, int fd = -1);
  void drop_entry(std::uint64_t key);
  // The keeper closes its copy of the run's channel.
  void drop_channel(model::RunId run);
  void put_specs(int memfd);
  void quit();
  // The keeper is to exec its installed program in its own place; on_keeper_upgraded() follows.
  void upgrade();

  // Messages wait because the socket is full: others may overtake them.
  [[nodiscard]] bool is_behind() const { return !waiting_.empty(); }

 private:
  struct Outgoing {
    keeper::Message message;
    std::deque<UniqueFd> fds;  // duplicates: the caller's may be closed before this is sent
  };

  void ring() const;
  void on_events(unsigned events);
  bool receive_one();
  void handle(const keeper::Message& message, std::deque<UniqueFd> fds);
  void send(const keeper::Message& message, std::span<const int> fds = {});
  void send_held_acks();
  void send_now(const keeper::Message& message, std::span<const int> fds);
  bool try_send(const keeper::Message& message, std::span<const int> fds);
  void flush();

  UniqueFd socket_;
  UniqueFd bell_;  // an eventfd, which the keeper watches in place of the socket
  KeeperListener& listener_;
  loop::Poll poll_;
  KeeperFacts facts_;
  std::deque<Outgoing> waiting_;  // bounded by what the keeper can hold: it reads whenever we send
  std::vector<keeper::Message> held_acks_;  // at most kMaxHeldAcks
  bool gone_ = false;
};

}  // namespace roost::daemon
