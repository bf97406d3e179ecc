#include "core/base/decoder.h"

#include <algorithm>

#include "core/base/suggest.h"

namespace roost {
namespace {

constexpr std::size_t kProblemsTold = 10;

std::string text_of(const DecodePath& at) {
  std::string text = at.up != nullptr ? text_of(*at.up) : std::string();
  if (at.key.empty() && at.up != nullptr) return text + "[" + std::to_string(at.index) + "]";
  if (!text.empty() && !at.key.empty()) text += '.';
  return text.append(at.key);
}

}  // namespace

void Decoder::problem(const DecodePath& at, std::string_view what) {
  if (++count_ > kProblemsTold) return;
  if (!text_.empty()) text_ += "; ";
  const std::string path = text_of(at);
  text_ += path;
  if (!path.empty()) text_ += ": ";
  text_ += what;
}

void Decoder::mismatch(const DecodePath& at, std::string_view expected, const JsonToken& got) {
  problem(at, "expected " + std::string(expected) + ", got " + std::string(to_string(got.type)));
}

Error Decoder::error() const {
  std::string text = text_;
  if (count_ > kProblemsTold) text += "; and " + std::to_string(count_ - kProblemsTold) + " more";
  return Error{Errc::invalid, std::move(text), {}};
}

namespace codec {

bool expect_type(Decoder& d, const DecodePath& at, const JsonToken& json, JsonType type) {
  if (json.type == type) return true;
  d.mismatch(at, to_string(type), json);
  return false;
}

void decode_bool(Decoder& d, const DecodePath& at, const JsonToken& json, bool& out) {
  if (expect_type(d, at, json, JsonType::boolean)) out = json.boolean;
}

void decode_double(Decoder& d, const DecodePath& at, const JsonToken& json, double& out) {
  if (const auto value = json.as_double())
    out = *value;
  else
    d.mismatch(at, "number", json);
}

void decode_string(Decoder& d, const DecodePath& at, const JsonToken& json, std::string& out) {
  if (expect_type(d, at, json, JsonType::string)) out = json.string;
}

void decode_duration(Decoder& d, const DecodePath& at, const JsonToken& json, Duration& out) {
  constexpr std::int64_t kMost =
      std::chrono::floor<std::chrono::milliseconds>(Duration::max()).count();
  out = std::chrono::milliseconds(decode_signed(d, at, json, 0, kMost));
}

std::int64_t decode_signed(Decoder& d, const DecodePath& at, const JsonToken& json,
                           std::int64_t min, std::int64_t max) {
  const auto value = json.as_int64();
  if (value && *value >= min && *value <= max) return *value;
  if (!value && json.type != JsonType::unsigned_integer)
    d.mismatch(at, "integer", json);
  else
    d.problem(at, "expected integer from " + std::to_string(min) + " to " + std::to_string(max) +
                      ", got " +
                      (value ? std::to_string(*value) : std::to_string(*json.as_uint64())));
  return 0;
}

std::uint64_t decode_unsigned(Decoder& d, const DecodePath& at, const JsonToken& json,
                              std::uint64_t max) {
  const auto value = json.as_uint64();
  if (value && *value <= max) return *value;
  if (!value && json.type != JsonType::integer)
    d.mismatch(at, "integer", json);
  else
    d.problem(at, "expected integer from 0 to " + std::to_string(max) + ", got " +
                      (value ? std::to_string(*value) : std::to_string(*json.as_int64())));
  return 0;
}

std::size_t decode_name(Decoder& d, const DecodePath& at, const JsonToken& json,
                        std::span<const std::string_view> names) {
  if (!expect_type(d, at, json, JsonType::string)) return names.size();
  const std::string_view name = json.string;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::string list;
  for (const std::string_view known : names)
    list.append(list.empty() ? "'" : ", '").append(known) += '\'';
  d.problem(at, "expected one of " + list + ", got '" + std::string(name.substr(0, 64)) + "'");
  return names.size();
}

void unknown_field(Decoder& d, const DecodePath& at, std::string_view name,
                   std::span<const std::string_view> known) {
  const std::string hint = did_you_mean(name, known);
  d.problem(DecodePath{&at, name}, hint.empty() ? "unknown field" : "unknown field, " + hint);
}

}  // namespace codec
}  // namespace roost
