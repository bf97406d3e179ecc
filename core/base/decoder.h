// Decoder: collects what is wrong with the JSON of a record. And the decoding of single values,
// which needs no templates.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/json_token.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace roost {

enum class UnknownFields : std::uint8_t { ignore, reject };

// Where a value is in the text; lives on the stack and costs nothing unless a problem is told.
struct DecodePath {
  const DecodePath* up = nullptr;
  std::string_view key{};  // member name; empty: an item
  std::size_t index = 0;
};

// Problems met while decoding; beyond the first ten they are only counted.
class Decoder {
 public:
  explicit Decoder(UnknownFields unknown = UnknownFields::ignore) : unknown_(unknown) {}

  void problem(const DecodePath& at, std::string_view what);
  void mismatch(const DecodePath& at, std::string_view expected, const JsonToken& got);

  [[nodiscard]] bool ok() const { return count_ == 0; }

  [[nodiscard]] bool rejects_unknown() const { return unknown_ == UnknownFields::reject; }

  [[nodiscard]] Error error() const;

 private:
  UnknownFields unknown_;
  std::string text_;
  std::size_t count_ = 0;
};

namespace codec {

void decode_bool(Decoder& d, const DecodePath& at, const JsonToken& json, bool& out);
void decode_double(Decoder& d, const DecodePath& at, const JsonToken& json, double& out);
void decode_string(Decoder& d, const DecodePath& at, const JsonToken& json, std::string& out);
void decode_duration(Decoder& d, const DecodePath& at, const JsonToken& json, Duration& out);
std::int64_t decode_signed(Decoder& d, const DecodePath& at, const JsonToken& json,
                           std::int64_t min, std::int64_t max);
std::uint64_t decode_unsigned(Decoder& d, const DecodePath& at, const JsonToken& json,
                              std::uint64_t max);
// Index into `names`, or names.size() after a problem.
std::size_t decode_name(Decoder& d, const DecodePath& at, const JsonToken& json,
                        std::span<const std::string_view> names);
bool expect_type(Decoder& d, const DecodePath& at, const JsonToken& json, JsonType type);
void unknown_field(Decoder& d, const DecodePath& at, std::string_view name,
                   std::span<const std::string_view> known);

}  // namespace codec
}  // namespace roost
