// Records to JSON and back, from their field lists (record.h).
//
// On the wire: Duration is integer milliseconds, 0 or more; an enum is its name in EnumNames; an
// empty optional is left out; map<string, T> is an object; RawJson is spliced in. Readers ignore
// unknown fields; decode_strict() is for what users write and refuses them with a suggestion.
// Decoding goes on after a problem, so one error tells all of them: "apps[1].instances: expected
// integer, got string; apps[1].name: missing".
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/json_writer.h"
#include "core/base/record.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace roost {

// A value whose JSON text is carried as it is. Empty means null.
struct RawJson {
  std::string text;
  friend bool operator==(const RawJson&, const RawJson&) = default;
};

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
  void mismatch(const DecodePath& at, std::string_view expected, JsonRef got);

  [[nodiscard]] bool ok() const { return count_ == 0; }

  [[nodiscard]] bool rejects_unknown() const { return unknown_ == UnknownFields::reject; }

  [[nodiscard]] Error error() const;

 private:
  UnknownFields unknown_;
  std::string text_;
  std::size_t count_ = 0;
};

namespace codec {

template <class T>
struct IsOptional : std::false_type {};

template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
struct IsVector : std::false_type {};

template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

template <class T>
struct IsStringMap : std::false_type {};

template <class T>
struct IsStringMap<std::map<std::string, T>> : std::true_type {};
template <class T>
inline constexpr bool kUnsupported = false;

// Finds members in the order of the field list without searching; any other order costs a search.
class MemberCursor {
 public:
  explicit MemberCursor(JsonRef object) : object_(object), next_(object.first()) {}

  JsonRef find(std::string_view name) {
    if (!next_ || next_.key() != name) return search(name);
    JsonRef found = next_;
    next_ = next_.next(object_);
    return found;
  }

 private:
  JsonRef search(std::string_view name);
  JsonRef object_;
  JsonRef next_;
};

void decode_bool(Decoder& d, const DecodePath& at, JsonRef json, bool& out);
void decode_double(Decoder& d, const DecodePath& at, JsonRef json, double& out);
void decode_string(Decoder& d, const DecodePath& at, JsonRef json, std::string& out);
void decode_raw(Decoder& d, const DecodePath& at, JsonRef json, RawJson& out);
void decode_duration(Decoder& d, const DecodePath& at, JsonRef json, Duration& out);
std::int64_t decode_signed(Decoder& d, const DecodePath& at, JsonRef json, std::int64_t min,
                           std::int64_t max);
std::uint64_t decode_unsigned(Decoder& d, const DecodePath& at, JsonRef json, std::uint64_t max);
// Index into `names`, or names.size() after a problem.
std::size_t decode_name(Decoder& d, const DecodePath& at, JsonRef json,
                        std::span<const std::string_view> names);
bool expect_type(Decoder& d, const DecodePath& at, JsonRef json, JsonType type);
void reject_unknown(Decoder& d, const DecodePath& at, JsonRef object,
                    std::span<const std::string_view> known);

template <class E>
inline constexpr auto kEnumNames = [] {
  std::array<std::string_view, EnumNames<E>::values.size()> names{};
  for (std::size_t i = 0; i < names.size(); ++i)
    names[i] = EnumNames<E>::values[i].second;
  return names;
}();

template <class E>
constexpr std::string_view enum_name(E value) {
  for (const auto& [candidate, name] : EnumNames<E>::values)
    if (candidate == value) return name;
  return {};
}

template <class T>
void encode_value(JsonWriter& out, const T& value);
template <class T>
void decode_value(Decoder& d, const DecodePath& at, JsonRef json, T& out);

template <class Owner, class Member>
void encode_field(JsonWriter& out, const Field<Owner, Member>& field, const Owner& record) {
  const Member& value = record.*field.member;
  if constexpr (IsOptional<Member>::value) {
    if (!value) return;
  }
  out.plain_key(field.name);
  encode_value(out, value);
}

template <class T>
void encode_value(JsonWriter& out, const T& value) {
  if constexpr (Record<T>) {
    out.begin_object();
    std::apply([&](const auto&... field) { (encode_field(out, field, value), ...); }, T::fields());
    out.end_object();
  } else if constexpr (std::same_as<T, bool>) {
    out.boolean(value);
  } else if constexpr (std::signed_integral<T>) {
    out.integer(value);
  } else if constexpr (std::unsigned_integral<T>) {
    out.unsigned_integer(value);
  } else if constexpr (std::floating_point<T>) {
    out.number(static_cast<double>(value));
  } else if constexpr (std::same_as<T, std::string>) {
    out.string(value);
  } else if constexpr (std::same_as<T, RawJson>) {
    out.raw(value.text.empty() ? std::string_view("null") : std::string_view(value.text));
  } else if constexpr (std::same_as<T, Duration>) {
    out.integer(to_ms(value));
  } else if constexpr (std::is_enum_v<T>) {
    out.string(enum_name(value));
  } else if constexpr (IsOptional<T>::value) {
    if (value)
      encode_value(out, *value);
    else
      out.null();
  } else if constexpr (IsVector<T>::value) {
    out.begin_array();
    for (const auto& item : value)
      encode_value(out, item);
    out.end_array();
  } else if constexpr (IsStringMap<T>::value) {
    out.begin_object();
    for (const auto& [name, item] : value) {
      out.key(name);
      encode_value(out, item);
    }
    out.end_object();
  } else {
    static_assert(kUnsupported<T>, "not a type a record field may have");
  }
}

template <class Owner, class Member>
void decode_field(Decoder& d, const DecodePath& at, MemberCursor& members,
                  const Field<Owner, Member>& field, Owner& out) {
  const DecodePath here{&at, field.name};
  if (const JsonRef json = members.find(field.name))
    decode_value(d, here, json, out.*field.member);
  else if (field.required)
    d.problem(here, "missing");
}

template <Record T>
void decode_record(Decoder& d, const DecodePath& at, JsonRef json, T& out) {
  if (json && !expect_type(d, at, json, JsonType::object)) return;
  MemberCursor members(json);
  constexpr auto kFields = T::fields();
  std::apply([&](const auto&... field) { (decode_field(d, at, members, field, out), ...); },
             kFields);
  if (!d.rejects_unknown()) return;
  std::apply(
      [&](const auto&... field) {
        const std::array<std::string_view, sizeof...(field)> names{field.name...};
        reject_unknown(d, at, json, names);
      },
      kFields);
}

template <class T>
void decode_items(Decoder& d, const DecodePath& at, JsonRef json, std::vector<T>& out) {
  if (!expect_type(d, at, json, JsonType::array)) return;
  out.clear();
  out.reserve(json.size());
  json.for_each([&](JsonRef item) {
    const DecodePath here{&at, {}, out.size()};
    T value{};
    decode_value(d, here, item, value);
    out.push_back(std::move(value));
  });
}

template <class T>
void decode_members(Decoder& d, const DecodePath& at, JsonRef json, std::map<std::string, T>& out) {
  if (!expect_type(d, at, json, JsonType::object)) return;
  out.clear();
  json.for_each([&](JsonRef member) {
    decode_value(d, DecodePath{&at, member.key()}, member, out[std::string(member.key())]);
  });
}

template <class T>
void decode_integer(Decoder& d, const DecodePath& at, JsonRef json, T& out) {
  if constexpr (std::signed_integral<T>)
    out = static_cast<T>(
        decode_signed(d, at, json, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  else
    out = static_cast<T>(decode_unsigned(d, at, json, std::numeric_limits<T>::max()));
}

template <class T>
void decode_value(Decoder& d, const DecodePath& at, JsonRef json, T& out) {
  if constexpr (Record<T>) {
    decode_record(d, at, json, out);
  } else if constexpr (std::same_as<T, bool>) {
    decode_bool(d, at, json, out);
  } else if constexpr (std::integral<T>) {
    decode_integer(d, at, json, out);
  } else if constexpr (std::same_as<T, double>) {
    decode_double(d, at, json, out);
  } else if constexpr (std::same_as<T, std::string>) {
    decode_string(d, at, json, out);
  } else if constexpr (std::same_as<T, RawJson>) {
    decode_raw(d, at, json, out);
  } else if constexpr (std::same_as<T, Duration>) {
    decode_duration(d, at, json, out);
  } else if constexpr (std::is_enum_v<T>) {
    const std::size_t index = decode_name(d, at, json, kEnumNames<T>);
    if (index < kEnumNames<T>.size()) out = EnumNames<T>::values[index].first;
  } else if constexpr (IsOptional<T>::value) {
    out.reset();
    if (json.type() != JsonType::null) decode_value(d, at, json, out.emplace());
  } else if constexpr (IsVector<T>::value) {
    decode_items(d, at, json, out);
  } else if constexpr (IsStringMap<T>::value) {
    decode_members(d, at, json, out);
  } else {
    static_assert(kUnsupported<T>, "not a type a record field may have");
  }
}

}  // namespace codec

template <Record T>
void encode(JsonWriter& out, const T& record) {
  codec::encode_value(out, record);
}

template <Record T>
[[nodiscard]] std::string to_json(const T& record) {
  std::string text;
  JsonWriter writer(text);
  encode(writer, record);
  return text;
}

// The record in `json` (an absent one counts as an empty object); absent opt() fields keep their defaults. Errc::invalid lists the problems.
// `where` stands in front of the paths in messages, for example "params".
template <Record T>
[[nodiscard]] Result<T> decode(JsonRef json, std::string_view where = {},
                               UnknownFields unknown = UnknownFields::ignore) {
  Decoder decoder(unknown);
  T record{};
  codec::decode_record(decoder, DecodePath{nullptr, where}, json, record);
  if (!decoder.ok()) return decoder.error();
  return record;
}

// For what users write: an unknown field is an error with the nearest known name.
template <Record T>
[[nodiscard]] Result<T> decode_strict(JsonRef json, std::string_view where = {}) {
  return decode<T>(json, where, UnknownFields::reject);
}

template <Record T>
[[nodiscard]] Result<T> from_json(std::string_view text, const JsonLimits& limits = {}) {
  Result<JsonValue> json = parse_json(text, limits);
  if (!json) return std::move(json).error();
  return decode<T>(json->root());
}

}  // namespace roost
