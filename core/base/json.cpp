#include "core/base/json.h"

#include <algorithm>
#include <string>

#include "core/base/json_parser.h"

namespace roost {

std::string_view to_string(JsonType type) {
  switch (type) {
    case JsonType::null:
      return "null";
    case JsonType::boolean:
      return "boolean";
    case JsonType::integer:
    case JsonType::unsigned_integer:
      return "integer";
    case JsonType::number:
      return "number";
    case JsonType::string:
      return "string";
    case JsonType::array:
      return "array";
    case JsonType::object:
      return "object";
  }
  return {};
}

JsonRef JsonRef::find(std::string_view key) const {
  if (type() != JsonType::object) return {};
  JsonRef member = first();
  while (member && member.key() != key)
    member = member.next(*this);
  return member;
}

JsonRef JsonRef::at(std::size_t index) const {
  if (index >= size()) return {};
  JsonRef child = first();
  for (; index > 0; --index)
    child = child.next(*this);
  return child;
}

Error json_too_large(std::size_t bytes, const JsonLimits& limits) {
  return Error{Errc::invalid, "JSON text of " + std::to_string(bytes) + " bytes is too large",
               "at most " + std::to_string(limits.max_bytes) + " bytes"};
}

Result<JsonValue> parse_json(std::string_view text, const JsonLimits& limits) {
  constexpr std::size_t kFarthestOffset = (1U << 28) - 1;  // of JsonNode::key_length
  if (text.size() > limits.max_bytes || text.size() > kFarthestOffset)
    return json_too_large(text.size(), limits);
  auto document = std::make_unique<detail::JsonDocument>();
  document->text = text;
  document->nodes.reserve(std::min(limits.max_values, text.size() / 12 + 8));
  detail::JsonParser parser(*document, text, limits);
  if (Status parsed = parser.parse(); !parsed) return std::move(parsed).error();
  return JsonValue(std::move(document));
}

void write_json(JsonWriter& out, const JsonToken& scalar) {
  switch (scalar.type) {
    case JsonType::boolean:
      return out.boolean(scalar.boolean);
    case JsonType::integer:
      return out.integer(scalar.integer);
    case JsonType::unsigned_integer:
      return out.unsigned_integer(scalar.unsigned_integer);
    case JsonType::number:
      return out.number(scalar.number);
    case JsonType::string:
      return out.string(scalar.string);
    case JsonType::null:
    case JsonType::array:
    case JsonType::object:
      return out.null();
  }
}

void write_json(JsonWriter& out, JsonRef value) {
  if (value.type() == JsonType::array) {
    out.begin_array();
    value.for_each([&out](JsonRef item) { write_json(out, item); });
    return out.end_array();
  }
  if (value.type() != JsonType::object) return write_json(out, value.token());
  out.begin_object();
  value.for_each([&out](JsonRef member) {
    out.key(member.key());
    write_json(out, member);
  });
  out.end_object();
}

}  // namespace roost
