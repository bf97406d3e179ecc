// JsonToken: a scalar, or the beginning of an array or object, as it comes out of the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace roost {

enum class JsonType : std::uint8_t {
  null,
  boolean,
  integer,           // fits an int64
  unsigned_integer,  // above int64, fits a uint64
  number,            // has a fraction or exponent, or is a larger integer
  string,
  array,
  object
};

// "null", "boolean", "integer" (both), "number", "string", "array", "object".
[[nodiscard]] std::string_view to_string(JsonType type);

struct JsonToken {
  JsonType type = JsonType::null;

  union {
    std::int64_t integer = 0;
    std::uint64_t unsigned_integer;
    double number;
    bool boolean;
  };

  std::string_view string{};  // decoded

  [[nodiscard]] bool is_container() const { return type >= JsonType::array; }

  // The value if it is of that type and in range, else nothing. as_double takes integers too;
  // as_int64 and as_uint64 take no number with a fraction or exponent.
  [[nodiscard]] std::optional<std::int64_t> as_int64() const {
    if (type != JsonType::integer) return std::nullopt;
    return integer;
  }

  [[nodiscard]] std::optional<std::uint64_t> as_uint64() const {
    if (type == JsonType::unsigned_integer) return unsigned_integer;
    if (type != JsonType::integer || integer < 0) return std::nullopt;
    return static_cast<std::uint64_t>(integer);
  }

  [[nodiscard]] std::optional<double> as_double() const {
    if (type == JsonType::number) return number;
    if (type == JsonType::integer) return static_cast<double>(integer);
    if (type == JsonType::unsigned_integer) return static_cast<double>(unsigned_integer);
    return std::nullopt;
  }
};

}  // namespace roost
