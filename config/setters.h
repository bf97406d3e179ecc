// How the value of a field is taken: one template per type of setting. Each sets its target, or
// says what is wrong with the value and leaves the target alone.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/ecosystem.h"
#include "core/base/bytes.h"
#include "core/base/duration.h"
#include "core/base/record.h"
#include "core/base/words.h"
#include "core/model/app_spec.h"

namespace roost::config {

using Kind = Value::Kind;
using Fault = std::optional<std::string>;  // what is wrong; empty: nothing

inline Fault expected(std::string_view what, const Value& value) {
  return "must be " + std::string(what) + ", not " + std::string(to_string(value.kind));
}

inline bool is_number(const Value& value) {
  return value.kind == Kind::integer || value.kind == Kind::real;
}

inline Fault take_text(const Value& value, std::string& target) {
  if (value.kind != Kind::string && !is_number(value)) return expected("a text", value);
  target = text_of(value);
  if (target.empty()) return "is empty";
  return std::nullopt;
}

// A word for true or false is one, too, as in PM2.
inline std::optional<bool> bool_of(const Value& value) {
  const bool yes = value.kind == Kind::string && (value.string == "true" || value.string == "yes");
  const bool no = value.kind == Kind::string && (value.string == "false" || value.string == "no");
  if (value.kind != Kind::boolean && !yes && !no) return std::nullopt;
  return yes || value.boolean;
}

// A number in a text is one, too, as in PM2.
inline std::optional<std::int64_t> number_of(const Value& value) {
  if (value.kind != Kind::integer && value.kind != Kind::string) return std::nullopt;
  const std::string text = text_of(value);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

inline Fault take_duration(const Value& value, Duration& target) {
  if (!is_number(value) && value.kind != Kind::string) return expected("a time", value);
  auto parsed = parse_duration(text_of(value));
  if (!parsed) return parsed.error().message + "; " + parsed.error().hint;
  target = *parsed;
  return std::nullopt;
}

// A list of texts, or one text that is cut at its blanks.
inline Fault take_words(const Value& value, std::vector<std::string>& words) {
  if (value.kind == Kind::string) {
    words = split_words(value.string);
    return std::nullopt;
  }
  if (is_number(value)) {
    words = {text_of(value)};
    return std::nullopt;
  }
  if (value.kind != Kind::array) return expected("a list or a text", value);
  std::vector<std::string> taken;
  for (const Value& item : value.items) {
    if (item.kind == Kind::array || item.kind == Kind::object || item.kind == Kind::null)
      return "must hold texts, not " + std::string(to_string(item.kind));
    taken.push_back(text_of(item));
  }
  words = std::move(taken);
  return std::nullopt;
}

// What is written with a unit or as a plain number of bytes.
inline Fault take_bytes(const Value& value, std::uint64_t& target) {
  if (!is_number(value) && value.kind != Kind::string) return expected("a size", value);
  auto parsed = parse_bytes(text_of(value));
  if (!parsed) return parsed.error().message + "; " + parsed.error().hint;
  target = *parsed;
  return std::nullopt;
}

// The names of an enum, as in EnumNames.
template <class E>
Fault take_enum(const Value& value, E& target) {
  std::string names;
  for (const auto& [candidate, name] : EnumNames<E>::values) {
    if (value.kind == Kind::string && value.string == name) {
      target = candidate;
      return std::nullopt;
    }
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return "must be one of " + names;
}

// Fields of AppConfig, whose meaning needs the file system.
template <std::optional<std::string> AppConfig::*Target>
Fault set_text(const Value& value, AppConfig& app) {
  return take_text(value, (app.*Target).emplace());
}

template <std::optional<bool> AppConfig::*Target>
Fault set_bool(const Value& value, AppConfig& app) {
  const auto taken = bool_of(value);
  if (!taken) return expected("true or false", value);
  app.*Target = taken;
  return std::nullopt;
}

template <std::vector<std::string> AppConfig::*Target>
Fault set_words(const Value& value, AppConfig& app) {
  return take_words(value, app.*Target);
}

// Fields of AppSpec, which are final. Lowest and Highest bound the numbers among them.
template <auto Member, std::int64_t Lowest = 0, std::int64_t Highest = 0>
Fault set(const Value& value, AppConfig& app) {
  auto& target = app.settings.*Member;
  using T = std::remove_reference_t<decltype(target)>;
  if constexpr (std::is_same_v<T, bool>) {
    const auto taken = bool_of(value);
    if (!taken) return expected("true or false", value);
    target = *taken;
    return std::nullopt;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return take_text(value, target);
  } else if constexpr (std::is_same_v<T, Duration>) {
    return take_duration(value, target);
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    return take_words(value, target);
  } else if constexpr (std::is_enum_v<T>) {
    return take_enum(value, target);
  } else {
    const auto number = number_of(value);
    if (!number || *number < Lowest || *number > Highest)
      return "must be a number from " + std::to_string(Lowest) + " to " + std::to_string(Highest);
    if constexpr (std::is_integral_v<T>)
      target = static_cast<T>(*number);
    else
      target = static_cast<typename T::value_type>(*number);
    return std::nullopt;
  }
}

}  // namespace roost::config
