#include "daemon/api/dispatcher.h"

#include <vector>

#include "core/base/suggest.h"
#include "daemon/api/server.h"
#include "daemon/log.h"
#include "ipc/envelope.h"

namespace roost::daemon {

ReplyTo::~ReplyTo() {
  if (server_ == nullptr || *server_ == nullptr) return;
  log_error("api", "a request was dropped without an answer");
  fail({Errc::internal, "the daemon dropped the request", "please report this, with roostd.log"});
}

void ReplyTo::send(ipc::FrameType type, std::string_view payload) {
  const auto handle = std::exchange(server_, nullptr);
  Server* server = handle != nullptr ? *handle : nullptr;
  if (server == nullptr) return;
  if (Session* session = server->find(session_)) session->send(type, request_, payload);
  server->answered(session_, wait_);
}

void ReplyTo::fail(const Error& error) {
  send(ipc::FrameType::error, ipc::encode_error(error));
}

EventStream ReplyTo::stream(std::string_view reply, std::function<void()> on_closed) {
  EventStream stream(std::exchange(server_, nullptr), session_, request_);
  stream.begin(reply, std::move(on_closed));
  return stream;
}

void EventStream::begin(std::string_view reply, std::function<void()> on_closed) const {
  if (*server_ == nullptr) return;
  (*server_)->when_closed(session_, std::move(on_closed));
  send_as(ipc::FrameType::result, reply);
}

void EventStream::send(std::string_view payload) const {
  send_as(ipc::FrameType::event, payload);
}

void EventStream::send_as(ipc::FrameType type, std::string_view payload) const {
  Server* server = *server_;
  Session* session = server != nullptr ? server->find(session_) : nullptr;
  if (session != nullptr) session->send(type, request_, payload);
}

std::uint32_t ReplyTo::uid() const {
  return (*server_)->uid_of(session_);
}

void ReplyTo::begin_wait() {
  wait_ = true;
  if (Session* session = (*server_)->find(session_)) session->begin_wait();
}

void Dispatcher::dispatch(ReplyTo to, std::string_view payload) {
  Result<ipc::RequestEnvelope> envelope = ipc::decode_request(payload);
  if (!envelope) return to.fail(envelope.error());
  const auto entry = handlers_.find(envelope->method);
  if (entry == handlers_.end()) {
    std::vector<std::string_view> names;
    for (const auto& [name, handler] : handlers_)
      names.push_back(name);
    return to.fail({Errc::not_found, "no method '" + std::string(envelope->method) + "'",
                    did_you_mean(envelope->method, names)});
  }
  to.set_first_sent(envelope->first_sent);
  const ipc::Kind kind = entry->second.kind;
  if (kind == ipc::Kind::wait || kind == ipc::Kind::stream) to.begin_wait();
  entry->second.run(std::move(to), envelope->params);
}

}  // namespace roost::daemon
