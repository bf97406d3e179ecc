// Dispatcher: from a request's payload to a typed handler and back. Handlers know records and a
// Responder, never a connection. Loop thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/json.h"
#include "core/base/record_codec.h"
#include "core/base/result.h"
#include "daemon/api/session.h"
#include "ipc/method.h"

namespace roost::daemon {

class Server;

// Where the events of one stream go; a client that has left gets nothing. May outlive the Server.
class EventStream {
 public:
  EventStream(std::shared_ptr<Server*> server, SessionId session, std::uint32_t request)
      : server_(std::move(server)), session_(session), request_(request) {}

  // The reply to the request, and what is to be done when the client has left.
  void begin(std::string_view reply, std::function<void()> on_closed) const;
  void send(std::string_view payload) const;

 private:
  void send_as(ipc::FrameType type, std::string_view payload) const;

  std::shared_ptr<Server*> server_;
  SessionId session_;
  std::uint32_t request_;
};

// Where one reply goes. Move-only, used once; destroyed unanswered it replies "internal error" and
// logs. When the client or the Server has left, answering does nothing.
class ReplyTo {
 public:
  ReplyTo(std::shared_ptr<Server*> server, SessionId session, std::uint32_t request)
      : server_(std::move(server)), session_(session), request_(request) {}

  ReplyTo(ReplyTo&& other) noexcept
      : server_(std::exchange(other.server_, nullptr)),
        session_(other.session_),
        request_(other.request_),
        first_sent_(other.first_sent_),
        wait_(other.wait_) {}

  ReplyTo& operator=(ReplyTo&&) = delete;
  ReplyTo(const ReplyTo&) = delete;
  ReplyTo& operator=(const ReplyTo&) = delete;
  ~ReplyTo();

  void send(ipc::FrameType type, std::string_view payload);
  void fail(const Error& error);
  // Sends the reply to a request of Kind::stream, whose events follow until the client leaves.
  [[nodiscard]] EventStream stream(std::string_view reply, std::function<void()> on_closed);
  // Who asks.
  [[nodiscard]] std::uint32_t uid() const;

  // When the client sent the request to a daemon that has died since; 0: this one has it first.
  [[nodiscard]] WallMs first_sent() const { return first_sent_; }

  void set_first_sent(WallMs time) { first_sent_ = time; }

  // Keep-alives go to the client until it is answered.
  void begin_wait();

 private:
  // Null once it is answered or moved from.
  std::shared_ptr<Server*> server_;
  SessionId session_;
  std::uint32_t request_;
  WallMs first_sent_ = 0;
  bool wait_ = false;
};

template <class Rep>
class Responder {
 public:
  explicit Responder(ReplyTo to) : to_(std::move(to)) {}

  void reply(const Rep& reply) { to_.send(ipc::FrameType::result, to_json(reply)); }

  void document(std::string_view bytes) { to_.send(ipc::FrameType::document, bytes); }

  void fail(const Error& error) { to_.fail(error); }

  [[nodiscard]] std::uint32_t uid() const { return to_.uid(); }

  [[nodiscard]] WallMs first_sent() const { return to_.first_sent(); }

  [[nodiscard]] EventStream stream(const Rep& reply, std::function<void()> on_closed) {
    return to_.stream(to_json(reply), std::move(on_closed));
  }

 private:
  ReplyTo to_;
};

// A function that answers once, for those that keep functions.
template <class Rep>
[[nodiscard]] std::function<void(Result<Rep>)> answer(Responder<Rep> to) {
  return [to = std::make_shared<Responder<Rep>>(std::move(to))](Result<Rep> result) {
    result ? to->reply(*result) : to->fail(result.error());
  };
}

class Dispatcher {
 public:
  template <class Req, class Rep>
  using Handler = std::function<void(const Req&, Responder<Rep>)>;

  template <class Req, class Rep>
  void on(const ipc::Method<Req, Rep>& method, Handler<Req, Rep> handler) {
    handlers_[method.name] = {method.kind,
                              [handler = std::move(handler)](ReplyTo to, JsonRef params) {
                                Result<Req> request = decode<Req>(params, "params");
                                if (!request) return to.fail(request.error());
                                handler(*request, Responder<Rep>(std::move(to)));
                              }};
  }

  void dispatch(ReplyTo to, std::string_view payload);

 private:
  struct Entry {
    ipc::Kind kind = ipc::Kind::call;
    std::function<void(ReplyTo, JsonRef)> run;
  };

  std::map<std::string_view, Entry> handlers_;
};

}  // namespace roost::daemon
