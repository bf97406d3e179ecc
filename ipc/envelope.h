// What is in the payload of request and error frames:
//   request {"method":"app.list","params":{…}}      error
//   {"code":"not_found","message":"…","hint":"…"}
// The payload of a result frame is the reply record itself. A request that is sent again, since the
// daemon that had it died, has "first_sent" as well: what it has brought about by then is not done
// again.
#pragma once

#include <string>
#include <string_view>

#include "core/base/json.h"
#include "core/base/record_codec.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "ipc/method.h"

namespace roost::ipc {

struct RequestEnvelope {
  JsonValue json;  // owns what follows
  std::string_view method;
  JsonRef params;  // an object
  WallMs first_sent = 0;  // of one that is sent again; else 0
};

// Errc::invalid when it is not JSON, has no method or params that are no object. Absent params are
// an empty object.
[[nodiscard]] Result<RequestEnvelope> decode_request(std::string_view payload);

// Payload of a request.
template <class Req, class Rep>
[[nodiscard]] std::string encode_request(const Method<Req, Rep>& method, const Req& request) {
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  out.key("method");
  out.string(method.name);
  out.key("params");
  encode(out, request);
  out.end_object();
  return text;
}

// The payload of the same request, sent again.
[[nodiscard]] std::string sent_again(std::string_view payload, WallMs first_sent);

[[nodiscard]] std::string encode_error(const Error& error);
// An unreadable error payload gives an Errc::protocol error that says so.
[[nodiscard]] Error decode_error(std::string_view payload);

// The record in a result payload; Errc::protocol with the method's name when it is not one.
[[nodiscard]] JsonLimits reply_limits();

template <class Req, class Rep>
[[nodiscard]] Result<Rep> decode_reply(const Method<Req, Rep>& method, std::string payload) {
  Result<Rep> reply = from_json_in_place<Rep>(payload, reply_limits());
  if (reply) return reply;
  Error error = std::move(reply).error().context("reply to '" + std::string(method.name) + "'");
  error.code = Errc::protocol;
  return error;
}

}  // namespace roost::ipc
