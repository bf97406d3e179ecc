#include "daemon/api/server.h"

#include <unistd.h>

#include "core/loop/loop.h"
#include "core/model/limits.h"
#include "daemon/api/dispatcher.h"
#include "daemon/log.h"
#include "ipc/envelope.h"
#include "ipc/socket.h"
#include "ipc/version.h"

namespace roost::daemon {

namespace limits = model::limits;

namespace {
constexpr int kAcceptsPerTurn = 64;
constexpr std::size_t kCrowd = 128;
constexpr Duration kAcceptPause = 1s;
constexpr std::size_t kMuchUnread = 1U << 20;
constexpr Duration kQuiet = 1s;         // after the last client, or the start
constexpr Duration kCrowdGone = 500ms;  // until the rest of it has gone, too
// Thousands of starts go on after the client that asked for them: it is looked at again, but not
// for ever.
constexpr Duration kBusySpan = 250ms;
constexpr int kMostLooks = 40;

// Refused before anything is read; one short write to a fresh socket cannot block.
void refuse(int socket, const Error& error) {
  std::string bytes;
  ipc::append_message(bytes, ipc::FrameType::error, 0, ipc::encode_error(error));
  (void)!::write(socket, bytes.data(),
                 bytes.size());  // the peer may be gone: nothing to do about it
}

// Of a client of another protocol, whose other requests might mean something else.
bool may_ask(std::string_view payload) {
  const Result<ipc::RequestEnvelope> envelope = ipc::decode_request(payload);
  return envelope && ipc::is_in_every_protocol(envelope->method);
}
}  // namespace

Server::Server(loop::Loop& loop, Dispatcher& dispatcher, int keeper_pid)
    : loop_(loop),
      dispatcher_(dispatcher),
      keeper_pid_(keeper_pid),
      accept_again_(loop,
                    [this] {
                      (void)poll_->start(loop::Poll::readable);  // it was polled before
                    }),
      // What a crowd has left behind lies in pieces between what lives: it is not given back by
      // itself.
      give_back_(loop, [this] { give_back_when_quiet(); }) {}

Server::~Server() {
  *handle_ = nullptr;
}

Status Server::start(UniqueFd listener) {
  poll_.reset();  // of the socket before
  listener_ = std::move(listener);
  give_back_.start(kQuiet);
  poll_ = std::make_unique<loop::Poll>(loop_, listener_.get(), [this](unsigned) { accept_some(); });
  return poll_->start(loop::Poll::readable);
}

void Server::give_back_when_quiet() {
  const bool busy = is_busy && is_busy();
  looks_ = busy && looks_ < kMostLooks ? looks_ + 1 : 0;
  if (looks_ > 0) return give_back_.start(kBusySpan);
  if (on_quiet) on_quiet();
}

void Server::accept_some() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    Result<UniqueFd> socket = ipc::accept_unix(listener_.get());
    if (!socket) return pause_accepting(socket.error());
    if (!*socket) return;
    admit(std::move(*socket));
  }
}

// No descriptor is left, say: clients wait in the backlog meanwhile.
void Server::pause_accepting(const Error& error) {
  log_warning("api", error.message);
  poll_->stop();
  accept_again_.start(kAcceptPause);
}

void Server::admit(UniqueFd socket) {
  const Result<ipc::PeerCredentials> peer = ipc::peer_credentials(socket.get());
  if (!peer || (peer->uid != ::geteuid() && peer->uid != 0))
    return refuse(socket.get(), {Errc::denied, "this roost belongs to another user",
                                 "use your own: unset ROOST_HOME"});
  if (clients_.size() >= limits::kMaxClients)
    return refuse(socket.get(),
                  {Errc::unavailable,
                   "too many clients (" + std::to_string(limits::kMaxClients) + ")", "try again"});
  const SessionId id{++last_id_};
  Client& client = clients_[id];
  client.uid = peer->uid;
  client.session = std::make_unique<Session>(
      loop_, std::move(socket),
      Session::Callbacks{[this, id](std::uint32_t request, std::string payload) {
                           on_request(id, request, std::move(payload));
                         },
                         [this, id] { loop_.defer([this, id] { remove(id); }); }});
  if (Status started = client.session->start(); !started) {
    clients_.erase(id);
    return;
  }
  if (clients_.size() == 1 && on_audience) on_audience(true);
}

void Server::on_request(SessionId id, std::uint32_t request, std::string payload) {
  const auto it = clients_.find(id);
  if (it == clients_.end()) return;
  Client& client = it->second;
  if (!client.greeted) return greet(client, request, payload);
  if (client.foreign && !may_ask(payload))
    return client.session->send(ipc::FrameType::error, request, ipc::encode_error(*client.foreign));
  if (client.pending >= limits::kMaxPendingRequests)
    return client.session->send(
        ipc::FrameType::error, request,
        ipc::encode_error({Errc::unavailable, "too many unanswered requests", {}}));
  ++client.pending;
  dispatcher_.dispatch(ReplyTo(handle_, id, request), payload);
}

void Server::greet(Client& client, std::uint32_t request, const std::string& payload) {
  const auto refuse_with = [&](const Error& error) {
    client.session->send(ipc::FrameType::error, request, ipc::encode_error(error));
    client.session->close_when_written();
  };
  Result<ipc::RequestEnvelope> envelope = ipc::decode_request(payload);
  if (!envelope) return refuse_with(envelope.error());
  if (envelope->method != ipc::kHello.name)
    return refuse_with(
        {Errc::protocol, "the first request must be 'hello'", "see docs/protocol.md"});
  Result<ipc::HelloRequest> hello = decode<ipc::HelloRequest>(envelope->params);
  if (!hello) return refuse_with(hello.error());
  if (Status fits = ipc::check_hello(*hello); !fits) client.foreign = fits.error();
  client.greeted = true;
  const ipc::HelloReply reply{.protocol = ipc::kProtocol,
                              .version = std::string(ipc::this_version()),
                              .pid = ::getpid(),
                              .keeper_pid = keeper_pid_};
  client.session->send(ipc::FrameType::result, request, to_json(reply));
}

Session* Server::find(SessionId id) {
  const auto it = clients_.find(id);
  return it == clients_.end() ? nullptr : it->second.session.get();
}

std::uint32_t Server::uid_of(SessionId id) const {
  const auto it = clients_.find(id);
  return it == clients_.end() ? ::geteuid() : it->second.uid;
}

void Server::remove(SessionId id) {
  const auto node = clients_.extract(id);
  if (node.empty()) return;
  for (const auto& task : node.mapped().when_closed)
    task();
  if (clients_.empty() && on_audience) on_audience(false);
  if (clients_.empty()) give_back_.start(kQuiet);
  if (node.mapped().session->most_unread() > kMuchUnread) give_back_.start(kCrowdGone);
  crowd_ = std::max(crowd_, clients_.size() + 1);
  if (crowd_ < kCrowd || clients_.size() > kCrowd / 8) return;
  crowd_ = 0;
  give_back_.start(kCrowdGone);
}

void Server::when_closed(SessionId id, std::function<void()> task) {
  if (const auto it = clients_.find(id); it != clients_.end())
    it->second.when_closed.push_back(std::move(task));
  else
    loop_.defer(std::move(task));
}

void Server::answered(SessionId id, bool was_wait) {
  const auto it = clients_.find(id);
  if (it == clients_.end()) return;
  if (it->second.pending > 0) --it->second.pending;
  if (was_wait) it->second.session->end_wait();
}

}  // namespace roost::daemon
