// Records to JSON and back, from their field lists (record.h).
//
// On the wire: Duration is integer milliseconds, 0 or more; an enum is its name in EnumNames; an
// empty optional is left out; map<string, T> is an object; RawJson is spliced in. Readers ignore
// unknown fields; decode_strict() is for what users write and refuses them with a suggestion.
// Decoding goes on after a problem, so one error tells all of them: "apps[1].instances: expected
// integer, got string; apps[1].name: missing".
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/decoder.h"
#include "core/base/json.h"
#include "core/base/json_reader.h"
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
template <class Source, class T>
void decode_value(Decoder& d, const DecodePath& at, Source& source,
                  const typename Source::Value& json, T& out);

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

// One record while its members go by. A field is decoded at most once: `seen_` has a bit for each.
template <class Source, Record T>
class RecordDecoder {
 public:
  RecordDecoder(Decoder& d, const DecodePath& at, Source& source, T& out)
      : d_(d), at_(at), source_(source), out_(out) {}

  void run(const typename Source::Value& json) {
    typename Source::Members members(source_, json);
    // Members in the order of the field list, as our own writer puts them, need no search.
    for_fields([&](std::size_t i, const auto& field) {
      if (members.next_is(field.name, value_)) decode_field(i, field);
    });
    for (std::string_view name; members.next(name, value_);)
      other_order(name);
    for_fields([&](std::size_t i, const auto& field) {
      if (field.required && (seen_ & bit(i)) == 0)
        d_.problem(DecodePath{&at_, field.name}, "missing");
    });
  }

 private:
  static constexpr auto kFields = T::fields();
  static constexpr std::size_t kCount = std::tuple_size_v<decltype(kFields)>;
  static_assert(kCount <= 64);

  static constexpr std::uint64_t bit(std::size_t i) { return std::uint64_t{1} << i; }

  template <class Visit>
  static void for_fields(Visit&& visit) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (visit(I, std::get<I>(kFields)), ...);
    }
    (std::make_index_sequence<kCount>());
  }

  template <class Member>
  void decode_field(std::size_t i, const Field<T, Member>& field) {
    seen_ |= bit(i);
    decode_value(d_, DecodePath{&at_, field.name}, source_, value_, out_.*field.member);
  }

  void other_order(std::string_view name) {
    bool known = false;
    for_fields([&](std::size_t i, const auto& field) {
      if (known || field.name != name) return;
      known = true;
      if ((seen_ & bit(i)) == 0) return decode_field(i, field);
      d_.problem(DecodePath{&at_, field.name}, "given twice");
      source_.skip(value_);
    });
    if (known) return;
    source_.skip(value_);
    if (!d_.rejects_unknown()) return;
    std::array<std::string_view, kCount> names{};
    for_fields([&](std::size_t i, const auto& field) { names[i] = field.name; });
    unknown_field(d_, at_, name, names);
  }

  Decoder& d_;
  const DecodePath& at_;
  Source& source_;
  T& out_;
  typename Source::Value value_{};
  std::uint64_t seen_ = 0;
};

// Room for as many items as the rest of the text may hold, by the first one's length: a long list
// is not moved again and again, which costs its fresh pages more than once. Called when the second
// item has begun.
constexpr std::size_t kMaxReservedBytes = 1U << 20;

template <class T>
void reserve_for_rest(std::vector<T>& out, std::size_t before, std::size_t left) {
  if (left == 0) return;
  const std::size_t used = std::max<std::size_t>(before - left, 2);
  const std::size_t likely = left / used + left / used / 8 + 2;
  out.reserve(std::min(likely, std::max<std::size_t>(kMaxReservedBytes / sizeof(T), 2)));
}

template <class Source, class T>
void decode_items(Decoder& d, const DecodePath& at, Source& source,
                  const typename Source::Value& json, std::vector<T>& out) {
  out.clear();
  const std::size_t before = source.left();
  source.for_each_item(json, [&](const typename Source::Value& item) {
    const DecodePath here{&at, {}, out.size()};
    if constexpr (Record<T>)
      if (out.size() == 1) reserve_for_rest(out, before, source.left());
    if constexpr (std::same_as<T, bool>) {  // a vector of bits has no elements to refer to
      bool value = false;
      decode_value(d, here, source, item, value);
      out.push_back(value);
    } else {
      decode_value(d, here, source, item, out.emplace_back());
    }
  });
}

template <class Source, class T>
void decode_members(Decoder& d, const DecodePath& at, Source& source,
                    const typename Source::Value& json, std::map<std::string, T>& out) {
  out.clear();
  typename Source::Members members(source, json);
  typename Source::Value value{};
  for (std::string_view name; members.next(name, value);) {
    const auto [place, added] = out.try_emplace(std::string(name));
    const DecodePath here{&at, place->first};
    if (!added) d.problem(here, "given twice");
    decode_value(d, here, source, value, place->second);
  }
}

// The value as it is, for RawJson.
template <class Source>
void copy_value(JsonWriter& out, Source& source, const typename Source::Value& json) {
  const JsonToken& token = source.token(json);
  if (!token.is_container()) return write_json(out, token);
  if (token.type == JsonType::array) {
    out.begin_array();
    source.for_each_item(
        json, [&](const typename Source::Value& item) { copy_value(out, source, item); });
    return out.end_array();
  }
  out.begin_object();
  typename Source::Members members(source, json);
  typename Source::Value value{};
  for (std::string_view name; members.next(name, value);) {
    out.key(name);
    copy_value(out, source, value);
  }
  out.end_object();
}

template <class Source, class T>
void decode_container(Decoder& d, const DecodePath& at, Source& source,
                      const typename Source::Value& json, T& out) {
  constexpr JsonType kExpected = IsVector<T>::value ? JsonType::array : JsonType::object;
  if (!expect_type(d, at, source.token(json), kExpected)) return source.skip(json);
  if constexpr (Record<T>)
    RecordDecoder<Source, T>(d, at, source, out).run(json);
  else if constexpr (IsVector<T>::value)
    decode_items(d, at, source, json, out);
  else
    decode_members(d, at, source, json, out);
}

template <class T>
void decode_scalar(Decoder& d, const DecodePath& at, const JsonToken& json, T& out) {
  if constexpr (std::same_as<T, bool>) {
    decode_bool(d, at, json, out);
  } else if constexpr (std::signed_integral<T>) {
    out = static_cast<T>(
        decode_signed(d, at, json, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  } else if constexpr (std::unsigned_integral<T>) {
    out = static_cast<T>(decode_unsigned(d, at, json, std::numeric_limits<T>::max()));
  } else if constexpr (std::same_as<T, double>) {
    decode_double(d, at, json, out);
  } else if constexpr (std::same_as<T, std::string>) {
    decode_string(d, at, json, out);
  } else if constexpr (std::same_as<T, Duration>) {
    decode_duration(d, at, json, out);
  } else if constexpr (std::is_enum_v<T>) {
    const std::size_t index = decode_name(d, at, json, kEnumNames<T>);
    if (index < kEnumNames<T>.size()) out = EnumNames<T>::values[index].first;
  } else {
    static_assert(kUnsupported<T>, "not a type a record field may have");
  }
}

template <class Source, class T>
void decode_value(Decoder& d, const DecodePath& at, Source& source,
                  const typename Source::Value& json, T& out) {
  if constexpr (Record<T> || IsVector<T>::value || IsStringMap<T>::value) {
    decode_container(d, at, source, json, out);
  } else if constexpr (IsOptional<T>::value) {
    out.reset();
    if (source.token(json).type != JsonType::null) decode_value(d, at, source, json, out.emplace());
  } else if constexpr (std::same_as<T, RawJson>) {
    out.text.clear();
    JsonWriter writer(out.text);
    copy_value(writer, source, json);
  } else {
    const JsonToken& token = source.token(json);
    decode_scalar(d, at, token, out);
    if (token.is_container()) source.skip(json);  // a problem was told
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

// The record in `json` (an absent one counts as an empty object); absent opt() fields keep their
// defaults. Errc::invalid lists the problems. `where` stands in front of the paths in messages, for
// example "params".
template <Record T>
[[nodiscard]] Result<T> decode(JsonRef json, std::string_view where = {},
                               UnknownFields unknown = UnknownFields::ignore) {
  Decoder decoder(unknown);
  JsonDomReader source;
  const DecodePath at{nullptr, where};
  T record{};
  if (json)
    codec::decode_value(decoder, at, source, json, record);
  else
    codec::RecordDecoder<JsonDomReader, T>(decoder, at, source, record).run(json);
  if (!decoder.ok()) return decoder.error();
  return record;
}

// For what users write: an unknown field is an error with the nearest known name.
template <Record T>
[[nodiscard]] Result<T> decode_strict(JsonRef json, std::string_view where = {}) {
  return decode<T>(json, where, UnknownFields::reject);
}

// As from_json(), with strings decoded in `text` itself, which is of no use afterwards. What is not
// JSON is told by the number of its byte, not by line and column.
template <Record T>
[[nodiscard]] Result<T> from_json_in_place(std::string& text, const JsonLimits& limits = {},
                                           std::string_view original = {}) {
  if (text.size() > limits.max_bytes) return json_too_large(text.size(), limits);
  Decoder decoder;
  JsonReader source(text, original, limits.max_depth);
  T record{};
  JsonToken root;
  if (source.read(root)) codec::decode_value(decoder, DecodePath{}, source, root, record);
  if (!source.finish()) return source.error();
  if (!decoder.ok()) return decoder.error();
  return record;
}

// The record in the text, decoded without a DOM: limits.max_values does not apply. Names used twice
// are refused in records and maps, but not looked for in members that are ignored.
template <Record T>
[[nodiscard]] Result<T> from_json(std::string_view text, const JsonLimits& limits = {}) {
  if (text.size() > limits.max_bytes) return json_too_large(text.size(), limits);
  std::string copy(text);
  return from_json_in_place<T>(copy, limits, text);
}

}  // namespace roost
