// ScriptedServer: a daemon's side of the protocol on a real socket, played by a thread from a
// script, one script per connection. Blocking and strict; for tests of clients. Every wait has a
// deadline.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

#include "core/base/record_codec.h"
#include "ipc/envelope.h"
#include "ipc/frame.h"
#include "ipc/paths.h"
#include "ipc/socket.h"
#include "ipc/version.h"

namespace roost::test {

struct ScriptedRequest {
  std::uint32_t id = 0;
  std::string method;
  std::string payload;
};

// One connection, as the script sees it.
class Peer {
 public:
  explicit Peer(UniqueFd fd) : fd_(std::move(fd)) {}

  // The next request; nothing when the client has left or none comes within 10 s.
  std::optional<ScriptedRequest> request() {
    for (;;) {
      Result<std::optional<ipc::Frame>> frame = decoder_.next();
      if (!frame) return std::nullopt;
      if (*frame) return parsed(std::move(**frame));
      if (!read_some()) return std::nullopt;
    }
  }

  // Takes the hello and answers it.
  bool hello(std::uint32_t protocol = ipc::kProtocol) {
    const auto asked = request();
    if (!asked || asked->method != "hello") return false;
    result(asked->id, to_json(ipc::HelloReply{protocol, "9.9.9", 4711, 4710}));
    return true;
  }

  void result(std::uint32_t id, std::string_view payload) {
    message(ipc::FrameType::result, id, payload);
  }

  void error(std::uint32_t id, const Error& error) {
    message(ipc::FrameType::error, id, ipc::encode_error(error));
  }

  void message(ipc::FrameType type, std::uint32_t id, std::string_view payload) {
    std::string bytes;
    ipc::append_message(bytes, type, id, payload);
    send(bytes);
  }

  void keep_alive() {
    std::string bytes;
    ipc::append_keep_alive(bytes);
    send(bytes);
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      pollfd waiting{fd_.get(), POLLOUT, 0};
      if (::poll(&waiting, 1, kDeadlineMs) != 1) return;
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  // Until the client closes or sends something, at most `ms`.
  void idle(int ms) {
    pollfd waiting{fd_.get(), POLLIN, 0};
    (void)::poll(&waiting, 1, ms);
  }

  void close() { fd_.reset(); }

 private:
  static constexpr int kDeadlineMs = 10'000;

  bool read_some() {
    pollfd waiting{fd_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, kDeadlineMs) != 1) return false;
    char block[4096];
    const ssize_t got = ::recv(fd_.get(), block, sizeof block, 0);
    if (got <= 0) return false;
    decoder_.feed({block, static_cast<std::size_t>(got)});
    return true;
  }

  static std::optional<ScriptedRequest> parsed(ipc::Frame frame) {
    const Result<ipc::RequestEnvelope> envelope = ipc::decode_request(frame.payload);
    if (!envelope) return std::nullopt;
    return ScriptedRequest{frame.id, std::string(envelope->method), frame.payload};
  }

  UniqueFd fd_;
  ipc::FrameDecoder decoder_{ipc::Side::daemon};
};

using Script = std::function<void(Peer&)>;
enum class AfterLastScript : std::uint8_t { stop, repeat };

class ScriptedServer {
 public:
  ScriptedServer(const ipc::Paths& paths, std::vector<Script> scripts,
                 AfterLastScript after = AfterLastScript::stop)
      : scripts_(std::move(scripts)), after_(after) {
    Result<UniqueFd> listener = ipc::listen_unix(paths.socket(), {.replace_stale = true});
    if (!listener) return;  // the test sees it: nobody listens
    listener_ = std::move(*listener);
    thread_ = std::thread([this] { serve(); });
  }

  ~ScriptedServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);  // wakes the poll below
    if (thread_.joinable()) thread_.join();
  }

  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  // Scripts that have ended.
  [[nodiscard]] std::size_t sessions() const { return sessions_; }

 private:
  void serve() {
    for (std::size_t i = 0; i < scripts_.size() || after_ == AfterLastScript::repeat; ++i) {
      pollfd waiting{listener_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, 10'000) != 1) return;
      Result<UniqueFd> fd = ipc::accept_unix(listener_.get());
      if (!fd || !*fd) return;
      {
        Peer peer(std::move(*fd));
        scripts_[std::min(i, scripts_.size() - 1)](peer);
      }
      ++sessions_;
    }
  }

  std::vector<Script> scripts_;
  AfterLastScript after_;
  UniqueFd listener_;
  std::atomic<std::size_t> sessions_{0};
  std::thread thread_;
};

}  // namespace roost::test
