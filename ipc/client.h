// Client: the blocking side of the protocol, for the CLI and satellites. One request at a time, one
// thread. Usable in a fully static binary.
//
// Liveness: a daemon that sends no byte for `silence` is reported as hung (Errc::unavailable, with
// its pid); while a `wait` request is pending the daemon sends keep-alives, so that works for those
// as well. When the connection breaks, requests that may be repeated (Retry::safe) and those that
// had not been sent whole go out again on a new connection, for up to `retry_for` each time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/result.h"
#include "core/base/time.h"
#include "ipc/connection.h"
#include "ipc/envelope.h"
#include "ipc/frame.h"
#include "ipc/method.h"
#include "ipc/paths.h"
#include "ipc/version.h"

namespace roost::ipc {

struct ConnectOptions {
  Duration patience = 0s;  // how long to try again when nobody listens yet; 0 = one attempt
  Duration silence =
      kSilenceLimit;  // longest time without a byte from the daemon, for this client's whole life
  Duration retry_for = 15s;  // after a connection broke
};

// Which daemon a client goes on with: `any` is for the methods that are in every protocol
// (is_in_every_protocol).
enum class Protocol : std::uint8_t { ours, any };

struct CallOptions {
  Duration limit =
      0s;  // for the whole call, then Errc::timeout; 0 = as long as the daemon shows signs of life
};

// Takes the bytes of a document as they come; an error ends the call and is returned by it.
using DocumentSink = std::function<Status(std::string_view)>;

class Client {
 public:
  // Connects and exchanges hello. Errc::unavailable: no daemon there, or it does not answer;
  // Errc::protocol: it speaks another protocol; Errc::denied.
  [[nodiscard]] static Result<Client> connect(const Paths& paths,
                                              const ConnectOptions& options = {},
                                              Protocol protocol = Protocol::ours);

  // Connects only: hello goes out with the first call, which has to be of a method that is safe to
  // repeat. Half the round trips; what connect() would have told, the call tells: Errc::io before
  // is_greeted() is a daemon that went away, and nothing was carried out. Errc::unavailable: nobody
  // listens.
  [[nodiscard]] static Result<Client> connect_quickly(const Paths& paths);

  // Errors the daemon answers come back as they are.
  template <class Req, class Rep>
  [[nodiscard]] Result<Rep> call(const Method<Req, Rep>& method, const Req& request,
                                 const CallOptions& options = {}) {
    Result<std::string> payload =
        exchange({method.name, method.retry}, encode_request(method, request), options);
    if (!payload) return std::move(payload).error();
    return decode_reply(method, std::move(*payload));
  }

  // For methods of Kind::document. Repeated after a broken connection only while no byte has gone
  // to the sink.
  template <class Req, class Rep>
  [[nodiscard]] Status call_document(const Method<Req, Rep>& method, const Req& request,
                                     const DocumentSink& sink, const CallOptions& options = {}) {
    return fetch({method.name, method.retry}, encode_request(method, request), sink, options);
  }

  // For methods of Kind::stream: the reply goes to `first`, then each event (a payload) to `next`,
  // until one of them returns an error, which comes back, or the connection breaks: Errc::io. Never
  // repeated by itself: what was missed meanwhile is the caller's to ask for.
  template <class Req, class Rep>
  [[nodiscard]] Error follow(const Method<Req, Rep>& method, const Req& request,
                             const std::function<Status(const Rep&)>& first,
                             const DocumentSink& next) {
    const DocumentSink decode_first = [&](std::string_view payload) -> Status {
      Result<Rep> reply = decode_reply(method, std::string(payload));
      return reply ? first(*reply) : Status(std::move(reply).error());
    };
    return listen({method.name, method.retry}, encode_request(method, request), decode_first, next);
  }

  // Called between two attempts to connect anew, after the connection broke, while nobody listens,
  // until it says that it has done what it can.
  void when_lost(std::function<bool()> act) { when_lost_ = std::move(act); }

  // Hello was exchanged on the present connection.
  [[nodiscard]] bool is_greeted() const { return greeted_; }

  // What the daemon said of itself on the present connection, once hello was exchanged.
  [[nodiscard]] const HelloReply& hello() const { return hello_; }

 private:
  struct Operation {
    std::string_view name;
    Retry retry;
  };
  // One request and what has become of it.
  struct Transaction;

  Client(Paths paths, const ConnectOptions& options);

  Result<std::string> exchange(const Operation& operation, const std::string& request,
                               const CallOptions& options);
  Status fetch(const Operation& operation, const std::string& request, const DocumentSink& sink,
               const CallOptions& options);
  Error listen(const Operation& operation, const std::string& request, const DocumentSink& first,
               const DocumentSink& next);
  Status take_event(Frame frame, Transaction& transaction);
  Status run(const Operation& operation, Transaction& transaction, const CallOptions& options);
  Status transact(const Operation& operation, Transaction& transaction);
  // The first request of a connection goes out with its hello: nothing may be carried out twice.
  Status transact_with_hello(Transaction& transaction);
  void begin(Transaction& transaction, std::string& bytes);
  Status send(std::string_view bytes, Transaction& transaction);
  Status collect(Transaction& transaction);
  Status take(Frame frame, Transaction& transaction);
  // Connects and greets, until one of the two times: nobody there, or the connection broke again.
  Status reconnect(TimePoint until_absent, TimePoint until_broken,
                   const std::function<bool()>& when_absent = {});
  Status greet(TimePoint until);
  Status check_greeting(const Transaction& hello);
  [[nodiscard]] Error hung() const;
  [[nodiscard]] static Error too_late(const Operation& operation, const CallOptions& options);
  [[nodiscard]] Error failure(const Operation& operation, Error error,
                              const CallOptions& options) const;

  Paths paths_;
  ConnectOptions options_;
  Connection connection_;
  HelloReply hello_;
  bool greeted_ = false;  // on the present connection
  bool quick_ = false;    // not connected anew before the first hello
  std::uint32_t next_id_ = 1;
  Protocol protocol_ = Protocol::ours;
  std::function<bool()> when_lost_;
};

}  // namespace roost::ipc
