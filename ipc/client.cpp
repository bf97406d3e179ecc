#include "ipc/client.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <poll.h>

#include "ipc/socket.h"

namespace roost::ipc {
namespace {

constexpr Duration kFirstPause = 5ms;  // between attempts to connect
constexpr Duration kLongestPause = 100ms;
constexpr int kMostLosses = 10;  // of one request's connection: it may be the cause

void pause(Duration& length, TimePoint until) {
  const Duration left = std::max<Duration>(until - Monotonic::now(), 1ms);
  (void)::poll(
      nullptr, 0,
      static_cast<int>(to_ms(std::min(length, left))));  // a signal may cut it short: tried sooner
  length = std::min(length * 2, kLongestPause);
}

TimePoint after(Duration limit) {
  return limit > 0s ? Monotonic::now() + limit : TimePoint::max();
}

bool is_over(TimePoint time) {
  return Monotonic::now() >= time;
}

std::string in_words(Duration d) {
  const std::int64_t ms = to_ms(d);
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + "ms";
}

}  // namespace

struct Client::Transaction {
  const std::string& request;           // payload
  const DocumentSink* sink = nullptr;   // for documents
  const DocumentSink* first = nullptr;  // for streams: the reply
  const DocumentSink* next = nullptr;   // for streams: the events
  Patience patience{};
  std::uint32_t id = 0;
  WallMs begun = 0;        // when it went out first
  bool sent = false;       // the daemon may have the whole request
  bool again = false;      // one that has died may have had it
  bool delivered = false;  // bytes have gone to the sink
  bool finished = false;
  FrameType type = FrameType::result;  // of `reply`
  std::string reply{};                 // payload of a result or error, as far as it has come
};

Client::Client(Paths paths, const ConnectOptions& options)
    : paths_(std::move(paths)), options_(options) {}

Result<Client> Client::connect(const Paths& paths, const ConnectOptions& options,
                               Protocol protocol) {
  Client client(paths, options);
  client.protocol_ = protocol;
  const TimePoint now = Monotonic::now();
  if (Status connected = client.reconnect(now + options.patience, now + options.retry_for);
      !connected)
    return std::move(connected).error();
  return client;
}

Result<Client> Client::connect_quickly(const Paths& paths) {
  Result<UniqueFd> socket = connect_unix(paths.socket());
  if (!socket) return std::move(socket).error();
  Client client(paths, {});
  client.connection_ = Connection(std::move(*socket));
  client.quick_ = true;
  return client;
}

Status Client::reconnect(TimePoint until_absent, TimePoint until_broken,
                         const std::function<bool()>& when_absent) {
  bool acts = static_cast<bool>(when_absent);
  for (Duration length = kFirstPause;;) {
    connection_.close();
    greeted_ = false;
    Result<UniqueFd> socket = connect_unix(paths_.socket());
    TimePoint until = until_absent;
    Status connected = ok();
    if (socket) {
      connection_ = Connection(std::move(*socket));
      connected = greet(until_broken);
      if (connected ||
          (connected.error().code != Errc::io && connected.error().code != Errc::timeout)) {
        if (!connected) connection_.close();  // or the next call would take it for a greeted one
        return connected;
      }
      until = until_broken;
    } else {
      connected = std::move(socket).error();
      if (connected.error().code == Errc::timeout) until = until_broken;  // a crowd waits there
      if (connected.error().code != Errc::timeout && connected.error().code != Errc::unavailable)
        return connected;
      if (connected.error().code == Errc::unavailable && acts) acts = !when_absent();
    }
    if (Monotonic::now() >= until) {
      connection_.close();
      return Error{Errc::unavailable, "no daemon answers: " + connected.error().message, {}};
    }
    pause(length, until);
  }
}

Status Client::greet(TimePoint until) {
  const std::string request = encode_request(kHello, make_hello());
  Transaction hello{request};
  hello.patience = Patience{until, options_.silence};
  std::string bytes;
  begin(hello, bytes);
  Status done = send(bytes, hello);
  if (done) done = collect(hello);
  if (!done && done.error().code == Errc::unavailable) return hung();
  return done ? check_greeting(hello) : done;
}

Status Client::check_greeting(const Transaction& hello) {
  if (hello.type == FrameType::error) return decode_error(hello.reply);
  Result<HelloReply> reply = decode_reply(kHello, hello.reply);
  if (!reply) return std::move(reply).error();
  hello_ = std::move(*reply);
  Status fits = protocol_ == Protocol::any ? ok() : check_hello(hello_);
  greeted_ = fits.has_value();
  return fits;
}

// Success: the daemon has answered, be it with an error. Otherwise one of Connection's errors, or
// the sink's.
Status Client::transact(const Operation& operation, Transaction& transaction) {
  if (!greeted_ && operation.retry != Retry::safe)
    return Error{Errc::internal, "'" + std::string(operation.name) + "' before hello", {}};
  if (!greeted_) return transact_with_hello(transaction);
  std::string bytes;
  begin(transaction, bytes);
  Status done = send(bytes, transaction);
  return done ? collect(transaction) : done;
}

Status Client::transact_with_hello(Transaction& transaction) {
  const std::string request = encode_request(kHello, make_hello());
  Transaction hello{request};
  hello.patience = transaction.patience;
  std::string bytes;
  begin(hello, bytes);
  begin(transaction, bytes);
  Status done = send(bytes, transaction);
  if (done) done = collect(hello);
  if (done && hello.type == FrameType::error) {  // refused: the daemon's own words
    transaction.type = hello.type;
    transaction.reply = std::move(hello.reply);
    return ok();
  }
  if (done) done = check_greeting(hello);
  return done ? collect(transaction) : done;
}

void Client::begin(Transaction& transaction, std::string& bytes) {
  transaction.id = next_id_++;
  if (next_id_ == 0) next_id_ = 1;  // 0 is for messages without a request
  transaction.reply.clear();
  transaction.sent = transaction.finished = false;
  if (transaction.begun == 0) transaction.begun = wall_now_ms();
  if (transaction.again)
    append_message(bytes, FrameType::request, transaction.id,
                   sent_again(transaction.request, transaction.begun));
  else
    append_message(bytes, FrameType::request, transaction.id, transaction.request);
}

// A peer that refuses us may have said why before it closed: a broken send is found when reading.
Status Client::send(std::string_view bytes, Transaction& transaction) {
  Status sent = connection_.send(bytes, transaction.patience);
  transaction.sent = sent.has_value();
  return !sent && sent.error().code == Errc::io ? ok() : sent;
}

Status Client::collect(Transaction& transaction) {
  while (!transaction.finished) {
    Result<Frame> frame = connection_.receive(transaction.patience);
    if (!frame) return std::move(frame).error();
    if (Status taken = take(std::move(*frame), transaction); !taken) return taken;
  }
  return ok();
}

Status Client::take(Frame frame, Transaction& transaction) {
  const bool for_nobody = frame.id == 0 && frame.type == FrameType::error;
  // Other ids: late replies to requests that were given up.
  if (frame.id != transaction.id && !for_nobody) return ok();
  if (frame.type == FrameType::event) return take_event(std::move(frame), transaction);
  transaction.finished = !frame.more;
  if (frame.type == FrameType::document) {
    if (transaction.sink == nullptr)
      return Error{Errc::protocol, "a document where a reply was expected", {}};
    transaction.type = frame.type;
    transaction.delivered = transaction.delivered || !frame.payload.empty();
    return (*transaction.sink)(frame.payload);
  }
  if (transaction.sink != nullptr && frame.type == FrameType::result)
    return Error{Errc::protocol, "a reply where a document was expected", {}};
  if (transaction.reply.size() + frame.payload.size() > model::limits::kMaxReplyBytes)
    return Error{Errc::protocol,
                 "a reply of more than " + std::to_string(model::limits::kMaxReplyBytes) + " bytes",
                 {}};
  transaction.type = frame.type;
  if (transaction.reply.empty())
    transaction.reply = std::move(frame.payload);  // nearly always all of it
  else
    transaction.reply += frame.payload;
  if (!transaction.finished || transaction.first == nullptr || frame.type == FrameType::error)
    return ok();
  transaction.finished = false;
  return (*transaction.first)(std::exchange(transaction.reply, {}));
}

Status Client::take_event(Frame frame, Transaction& transaction) {
  if (transaction.next == nullptr) return ok();
  transaction.reply += frame.payload;
  if (frame.more) return ok();
  return (*transaction.next)(std::exchange(transaction.reply, {}));
}

Error Client::hung() const {
  const int pid = hello_.pid > 0 ? hello_.pid : read_pid_file(paths_.roostd_pid());
  std::string message = "the daemon does not answer";
  if (pid > 0) message += " (pid " + std::to_string(pid) + ")";
  message += ": no sign of life for " + in_words(options_.silence);
  return Error{
      Errc::unavailable, std::move(message),
      "its keeper replaces a daemon that hangs; what it was doing is in " + paths_.daemon_log()};
}

Error Client::too_late(const Operation& operation, const CallOptions& options) {
  return Error{
      Errc::timeout,
      "no reply to '" + std::string(operation.name) + "' within " + in_words(options.limit),
      "the daemon goes on with it"};
}

// What the caller is told about a transaction that will not be repeated.
Error Client::failure(const Operation& operation, Error error, const CallOptions& options) const {
  const std::string name = "'" + std::string(operation.name) + "'";
  switch (error.code) {
    case Errc::unavailable:
      return hung();
    case Errc::timeout:
      return too_late(operation, options);
    case Errc::io:
      return Error{Errc::unavailable,
                   "the daemon went away during " + name + "; it may have been carried out",
                   "look with 'roost list', then repeat it if needed"};
    case Errc::invalid:
    case Errc::not_found:
    case Errc::exists:
    case Errc::conflict:
    case Errc::denied:
    case Errc::protocol:
    case Errc::internal:
    case Errc::unhealthy:
      break;
  }
  return error;
}

// Sends until answered. Success: transaction.reply holds the result, or the sink has had the
// document.
Status Client::run(const Operation& operation, Transaction& transaction,
                   const CallOptions& options) {
  if (transaction.request.size() > model::limits::kMaxRequestBytes)
    return Error{
        Errc::invalid,
        "the request is larger than " + std::to_string(model::limits::kMaxRequestBytes) + " bytes",
        {}};
  transaction.patience = Patience{after(options.limit), options_.silence};
  std::optional<TimePoint> give_up;  // set when the connection has broken
  int losses = 0;
  for (;;) {
    if (!connection_.is_open()) {
      const TimePoint until =
          std::min(Monotonic::now() + options_.retry_for, transaction.patience.deadline);
      if (!give_up) give_up = until;
      ++losses;
      Status again = reconnect(until, until, when_lost_);
      if (!again && is_over(transaction.patience.deadline)) return too_late(operation, options);
      if (!again) return again;
    }
    Status done = transact(operation, transaction);
    if (done && transaction.type == FrameType::error) return decode_error(transaction.reply);
    if (done) return ok();
    connection_.close();
    if (quick_ && !greeted_ && done.error().code == Errc::io) return done;
    const bool broken = done.error().code == Errc::io;
    const bool repeatable =
        !transaction.delivered && (!transaction.sent || operation.retry == Retry::safe);
    if (broken && repeatable && is_over(transaction.patience.deadline))
      return too_late(operation, options);
    if (!broken || !repeatable || (losses >= kMostLosses && is_over(*give_up)))
      return failure(operation, std::move(done).error(), options);
    transaction.again = transaction.again || transaction.sent;
  }
}

Result<std::string> Client::exchange(const Operation& operation, const std::string& request,
                                     const CallOptions& options) {
  Transaction transaction{request};
  if (Status done = run(operation, transaction, options); !done) return std::move(done).error();
  return std::move(transaction.reply);
}

Status Client::fetch(const Operation& operation, const std::string& request,
                     const DocumentSink& sink, const CallOptions& options) {
  Transaction transaction{request, &sink};
  return run(operation, transaction, options);
}

Error Client::listen(const Operation& operation, const std::string& request,
                     const DocumentSink& first, const DocumentSink& next) {
  Transaction transaction{request};
  transaction.first = &first;
  transaction.next = &next;
  transaction.patience = Patience{TimePoint::max(), options_.silence};
  Status ended = transact(operation, transaction);
  connection_.close();
  if (ended) return decode_error(transaction.reply);  // nothing else finishes a stream
  if (ended.error().code == Errc::io) return std::move(ended).error();
  return failure(operation, std::move(ended).error(), {});
}

}  // namespace roost::ipc
