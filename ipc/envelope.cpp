#include "ipc/envelope.h"

#include "core/model/limits.h"

namespace roost::ipc {
namespace {

namespace limits = model::limits;

struct ErrorRecord {
  std::string code;
  std::string message;
  std::string hint;

  static constexpr auto fields() {
    return std::tuple{req("code", &ErrorRecord::code, "kind of error"),
                      req("message", &ErrorRecord::message, "what happened"),
                      opt("hint", &ErrorRecord::hint, "what to do about it")};
  }
};

Error malformed(std::string what) {
  return Error{Errc::invalid, "request: " + std::move(what), {}};
}

}  // namespace

Result<RequestEnvelope> decode_request(std::string_view payload) {
  Result<JsonValue> json = parse_json(payload, JsonLimits{.max_depth = limits::kMaxJsonDepth,
                                                          .max_bytes = limits::kMaxRequestBytes});
  if (!json) return std::move(json).error().context("request");
  const JsonRef root = json->root();
  if (root.type() != JsonType::object)
    return malformed("expected object, got " + std::string(to_string(root.type())));
  const auto method = root.find("method").as_string();
  if (!method) return malformed("no 'method'");
  const JsonRef params = root.find("params");
  if (params && params.type() != JsonType::object)
    return malformed("params: expected object, got " + std::string(to_string(params.type())));
  const auto first_sent = root.find("first_sent").as_int64();
  return RequestEnvelope{std::move(*json), *method, params, first_sent.value_or(0)};
}

std::string sent_again(std::string_view payload, WallMs first_sent) {
  std::string text = "{\"first_sent\":" + std::to_string(first_sent) + ",";
  return text.append(payload.substr(1));
}

std::string encode_error(const Error& error) {
  return to_json(ErrorRecord{std::string(to_string(error.code)), error.message, error.hint});
}

Error decode_error(std::string_view payload) {
  Result<ErrorRecord> record = from_json<ErrorRecord>(payload, reply_limits());
  if (!record)
    return Error{
        Errc::protocol, "an error reply that cannot be read: " + record.error().message, {}};
  return Error{errc_from(record->code), std::move(record->message), std::move(record->hint)};
}

JsonLimits reply_limits() {
  return JsonLimits{.max_depth = limits::kMaxJsonDepth,
                    .max_bytes = limits::kMaxReplyBytes,
                    .max_values = limits::kMaxReplyBytes / 8};
}

}  // namespace roost::ipc
