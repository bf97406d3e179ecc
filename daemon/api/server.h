// Server: accepts clients on roost.sock, one Session each, and gives their requests to the
// Dispatcher. Only our own uid and root are let in (SO_PEERCRED), at most kMaxClients. Loop thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/result.h"
#include "core/base/unique_fd.h"
#include "core/loop/poll.h"
#include "daemon/api/session.h"

namespace roost::daemon {

class Dispatcher;

class Server {
 public:
  // The dispatcher outlives the server.
  Server(loop::Loop& loop, Dispatcher& dispatcher, int keeper_pid);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // This server, or null once it is gone: for replies that are waited for when the daemon ends.
  [[nodiscard]] std::shared_ptr<Server*> handle() const { return handle_; }

  // Takes a listening socket, in place of the one before if there is one.
  [[nodiscard]] Status start(UniqueFd listener);

  [[nodiscard]] int listener() const { return listener_.get(); }

  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

  // The first client has come, the last one has left.
  std::function<void(bool present)> on_audience;
  // Whether there is work of clients that have left.
  std::function<bool()> is_busy;
  // After a busy time; what it has left behind in memory can go.
  std::function<void()> on_quiet;

  // ---- for replies (ReplyTo)
  [[nodiscard]] Session* find(SessionId id);
  [[nodiscard]] std::uint32_t uid_of(SessionId id) const;
  void answered(SessionId id, bool was_wait);
  // Calls `task` when the client has left, be it that it has already.
  void when_closed(SessionId id, std::function<void()> task);

 private:
  struct Client {
    std::unique_ptr<Session> session;
    std::uint32_t uid = 0;
    bool greeted = false;
    std::optional<Error> foreign;  // it speaks another protocol: what most of its requests get
    std::size_t pending = 0;
    std::vector<std::function<void()>> when_closed;  // one per stream: bounded as pending is
  };

  void give_back_when_quiet();
  void accept_some();
  void pause_accepting(const Error& error);
  void admit(UniqueFd socket);
  void on_request(SessionId id, std::uint32_t request, std::string payload);
  void remove(SessionId id);
  void greet(Client& client, std::uint32_t request, const std::string& payload);

  loop::Loop& loop_;
  Dispatcher& dispatcher_;
  int keeper_pid_;
  loop::Timer accept_again_;
  loop::Timer give_back_;  // memory
  int looks_ = 0;          // in turn at which there was something to do
  UniqueFd listener_;
  std::unique_ptr<loop::Poll> poll_;
  std::map<SessionId, Client> clients_;
  std::uint64_t last_id_ = 0;
  std::shared_ptr<Server*> handle_ = std::make_shared<Server*>(this);
  std::size_t crowd_ = 0;  // most clients at once since memory was last given back
};

}  // namespace roost::daemon
