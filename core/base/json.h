// JSON, read: parse_json() gives a JsonValue, which owns text and nodes; JsonRef is a cheap view of
// one value in it.
//
// The parser is strict RFC 8259 and made for hostile input: depth, bytes and number of values are
// limited; invalid UTF-8, NUL in strings and duplicate keys are refused; errors name line and
// column. Errc::invalid; Errc::conflict for what is well-formed, but says two things (duplicate
// keys) or nothing (a number out of range). Strings are decoded in place in one copy of the text,
// values lie in one vector in the order of the text: a reply of 100 rows costs three allocations.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json_token.h"
#include "core/base/json_writer.h"
#include "core/base/result.h"

namespace roost {

struct JsonLimits {
  std::uint32_t max_depth = 64;
  std::size_t max_bytes = 1U << 20;     // at most 256 MiB
  std::size_t max_values = 256U << 10;  // a value costs 24 bytes of memory
};

namespace detail {
struct JsonNode {
  union {
    std::int64_t integer;
    std::uint64_t unsigned_integer;
    double number;
    bool boolean;

    struct {
      std::uint32_t offset;
      std::uint32_t length;
    } string;

    struct {
      std::uint32_t count;  // items or members
      std::uint32_t end;    // index of the first node behind the last descendant
    } container;
  };

  std::uint32_t key_offset = 0;
  std::uint32_t key_length : 28;
  std::uint32_t type : 4;
};

static_assert(sizeof(JsonNode) == 16 || sizeof(JsonNode) == 24);

struct JsonDocument {
  std::string text;             // strings decoded in place
  std::vector<JsonNode> nodes;  // pre-order; 0 is the root
};
}  // namespace detail

// A view: valid as long as the JsonValue it came from (which may be moved). An absent value is
// false and of type null.
class JsonRef {
 public:
  JsonRef() = default;

  explicit operator bool() const { return document_ != nullptr; }

  [[nodiscard]] JsonType type() const {
    return document_ == nullptr ? JsonType::null : static_cast<JsonType>(node().type);
  }

  // A scalar, or what kind of container this is; null when absent.
  [[nodiscard]] JsonToken token() const {
    JsonToken token;
    token.type = type();
    if (token.type == JsonType::string)
      token.string = text();
    else if (!token.is_container() && document_ != nullptr)
      token.unsigned_integer = node().unsigned_integer;  // whichever of the union's members it is
    return token;
  }

  // The value if it is of that type and in range, else nothing: as JsonToken's.
  [[nodiscard]] std::optional<bool> as_bool() const {
    if (type() != JsonType::boolean) return std::nullopt;
    return node().boolean;
  }

  [[nodiscard]] std::optional<std::int64_t> as_int64() const { return token().as_int64(); }

  [[nodiscard]] std::optional<std::uint64_t> as_uint64() const { return token().as_uint64(); }

  [[nodiscard]] std::optional<double> as_double() const { return token().as_double(); }

  [[nodiscard]] std::optional<std::string_view> as_string() const {
    if (type() != JsonType::string) return std::nullopt;
    return text();
  }

  // Items of an array or members of an object; 0 for anything else.
  [[nodiscard]] std::size_t size() const { return is_container() ? node().container.count : 0; }

  // Both take time proportional to size(): to visit all, use for_each or first() and next().
  [[nodiscard]] JsonRef find(std::string_view key) const;
  [[nodiscard]] JsonRef at(std::size_t index) const;

  // Siblings: the first child of a container, and the one behind this child of `parent`; absent at
  // the end.
  [[nodiscard]] JsonRef first() const {
    return size() == 0 ? JsonRef() : JsonRef(document_, index_ + 1);
  }

  [[nodiscard]] JsonRef next(JsonRef parent) const {
    const std::uint32_t behind = end();
    return behind < parent.end() ? JsonRef(document_, behind) : JsonRef();
  }

  // Name of this member; empty unless its parent is an object.
  [[nodiscard]] std::string_view key() const {
    if (document_ == nullptr) return {};
    return {document_->text.data() + node().key_offset, node().key_length};
  }

  // Where the text of the key, or of this string, begins in the text that was parsed: behind its
  // quote.
  [[nodiscard]] std::size_t key_offset() const {
    return document_ == nullptr ? 0 : node().key_offset;
  }

  [[nodiscard]] std::optional<std::size_t> string_offset() const {
    if (type() != JsonType::string) return std::nullopt;
    return node().string.offset;
  }

  // visit(JsonRef) for each item or member, in the order of the text.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (JsonRef child = first(); child; child = child.next(*this))
      visit(child);
  }

 private:
  friend class JsonValue;

  JsonRef(const detail::JsonDocument* document, std::uint32_t index)
      : document_(document), index_(index) {}

  [[nodiscard]] const detail::JsonNode& node() const { return document_->nodes[index_]; }

  [[nodiscard]] std::string_view text() const {
    return {document_->text.data() + node().string.offset, node().string.length};
  }

  [[nodiscard]] bool is_container() const { return type() >= JsonType::array; }

  [[nodiscard]] std::uint32_t end() const {
    return is_container() ? node().container.end : index_ + 1;
  }

  const detail::JsonDocument* document_ = nullptr;
  std::uint32_t index_ = 0;
};

class JsonValue {
 public:
  [[nodiscard]] JsonRef root() const { return JsonRef(document_.get(), 0); }

  explicit JsonValue(std::unique_ptr<const detail::JsonDocument> document)
      : document_(std::move(document)) {}

 private:
  std::unique_ptr<const detail::JsonDocument> document_;
};

// Errc::invalid: "line 3, column 7: expected ',' or '}' after a member, got 'x'".
[[nodiscard]] Result<JsonValue> parse_json(std::string_view text, const JsonLimits& limits = {});

// Writes the value as JSON text again (numbers and spacing in the writer's form).
void write_json(JsonWriter& out, JsonRef value);
// The same for a scalar.
void write_json(JsonWriter& out, const JsonToken& scalar);

[[nodiscard]] Error json_too_large(std::size_t bytes, const JsonLimits& limits);

}  // namespace roost
