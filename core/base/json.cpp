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

std::optional<double> JsonRef::as_double() const {
  switch (type()) {
    case JsonType::number:
      return node().number;
    case JsonType::integer:
      return static_cast<double>(node().integer);
    case JsonType::unsigned_integer:
      return static_cast<double>(node().unsigned_integer);
    case JsonType::null:
    case JsonType::boolean:
    case JsonType::string:
    case JsonType::array:
    case JsonType::object:
      break;
  }
  return std::nullopt;
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

Result<JsonValue> parse_json(std::string_view text, const JsonLimits& limits) {
  constexpr std::size_t kFarthestOffset = (1U << 28) - 1;  // of JsonNode::key_length
  if (text.size() > limits.max_bytes || text.size() > kFarthestOffset)
    return Error{Errc::invalid,
                 "JSON text of " + std::to_string(text.size()) + " bytes is too large",
                 "at most " + std::to_string(limits.max_bytes) + " bytes"};
  auto document = std::make_unique<detail::JsonDocument>();
  document->text = text;
  document->nodes.reserve(std::min(limits.max_values, text.size() / 12 + 8));
  detail::JsonParser parser(*document, limits);
  if (Status parsed = parser.parse(text); !parsed) return std::move(parsed).error();
  return JsonValue(std::move(document));
}

void write_json(JsonWriter& out, JsonRef value) {
  switch (value.type()) {
    case JsonType::null:
      return out.null();
    case JsonType::boolean:
      return out.boolean(*value.as_bool());
    case JsonType::integer:
      return out.integer(*value.as_int64());
    case JsonType::unsigned_integer:
      return out.unsigned_integer(*value.as_uint64());
    case JsonType::number:
      return out.number(*value.as_double());
    case JsonType::string:
      return out.string(*value.as_string());
    case JsonType::array:
      out.begin_array();
      value.for_each([&out](JsonRef item) { write_json(out, item); });
      return out.end_array();
    case JsonType::object:
      out.begin_object();
      value.for_each([&out](JsonRef member) {
        out.key(member.key());
        write_json(out, member);
      });
      return out.end_object();
  }
}

}  // namespace roost
