// Document: a configuration file as one kind of value, whatever its format, where every value knows
// its place in the text, so that whoever finds a fault can point at it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/limits.h"

namespace roost::config {

// From 1; line 0: unknown, as in what JavaScript computed.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

struct Member;

struct Value {
  enum class Kind : std::uint8_t { null, boolean, integer, real, string, array, object };
  Kind kind = Kind::null;
  Place at{};
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0;
  std::string string{};  // of a number how it is written, where that is known
  std::vector<Value> items;
  std::vector<Member> members;  // in the order of the text; keys are unique

  Value();
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  // Null when there is none.
  [[nodiscard]] const Value* find(std::string_view key) const;
};

struct Member {
  std::string key;
  Place at;  // of the key
  Value value;
};

[[nodiscard]] std::string_view to_string(Value::Kind kind);
// The text of a scalar, of a decimal number as it is written (1.10, 007); arrays and objects as
// JSON.
[[nodiscard]] std::string text_of(const Value& value);

struct Document {
  std::string path;  // as messages name it
  std::string text;
  Value root;
};

enum class Format : std::uint8_t {
  json,  // comments and trailing commas allowed
  yaml,  // 1.2, with anchors and merge keys
  toml   // 1.0
};

using model::limits::kMaxConfigBytes;
using model::limits::kMaxConfigValues;
using model::limits::kMaxEnvFileBytes;

// Errc::invalid points at the place: "roost.toml:4:3: …", the line itself, and a caret. So does
// Errc::conflict: it is JSON, but no right one (parse_json).
[[nodiscard]] Result<Document> parse_document(std::string path, std::string text, Format format);

// One fault of a document.
struct Problem {
  Place at;
  std::string message;
  std::string hint{};
  Errc code = Errc::invalid;
};

// All of them in one error, in the order of the text, each with its line and a caret below it.
[[nodiscard]] Error to_error(const Document& document, std::vector<Problem> problems);

}  // namespace roost::config
