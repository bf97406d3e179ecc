// Records: a value struct that lists its fields once. Encoding, decoding, defaults and
// documentation follow from the list.
//
//   struct Point {
//     int x = 0;
//     std::optional<std::string> name;
//     static constexpr auto fields() {
//       return std::tuple{req("x", &Point::x, "abscissa, pixels"), opt("name", &Point::name, "label
//       shown beside it")};
//     }
//   };
//
// Field types: bool, integers, double, std::string, Duration (integer milliseconds on the wire),
// enums with an EnumNames specialisation, std::optional, std::vector, std::map<std::string, T>,
// other records. Evolution: fields may be added as opt(); a name is never renamed, re-typed or
// reused; unknown fields are ignored.
#pragma once

#include <string_view>
#include <tuple>

namespace roost {

template <class T, class M>
struct Field {
  std::string_view name;
  M T::*member;
  const char* doc;
  bool required;
};

template <class T, class M>
constexpr auto req(const char* name, M T::*member, const char* doc) {
  return Field<T, M>{name, member, doc, true};
}

template <class T, class M>
constexpr auto opt(const char* name, M T::*member, const char* doc) {
  return Field<T, M>{name, member, doc, false};
}

template <class T>
concept Record = requires {
  T::fields();
};

// Specialise for an enum: static constexpr std::array<std::pair<E, std::string_view>, N> values{…};
template <class E>
struct EnumNames;

}  // namespace roost
