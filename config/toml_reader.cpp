// TOML by toml++.
#include <sstream>

#define TOML_EXCEPTIONS 1
// Its assertions are met by hostile texts, and stand before code that copes with them.
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

#include "config/readers.h"

namespace roost::config {
namespace {

Place place_of(const toml::source_region& region) {
  return {static_cast<std::uint32_t>(region.begin.line),
          static_cast<std::uint32_t>(region.begin.column)};
}

std::string date_text(const toml::node& node) {
  std::ostringstream text;
  node.visit([&text](const auto& value) {
    if constexpr (toml::is_date<decltype(value)> || toml::is_time<decltype(value)> ||
                  toml::is_date_time<decltype(value)>)
      text << value.get();
  });
  return text.str();
}

Value convert(const toml::node& node) {
  Value value;
  value.at = place_of(node.source());
  if (const auto* table = node.as_table()) {
    value.kind = Value::Kind::object;
    for (const auto& [key, item] : *table)
      value.members.push_back({std::string(key.str()), place_of(key.source()), convert(item)});
  } else if (const auto* array = node.as_array()) {
    value.kind = Value::Kind::array;
    for (const auto& item : *array)
      value.items.push_back(convert(item));
  } else if (const auto* text = node.as_string()) {
    value.kind = Value::Kind::string;
    value.string = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value.kind = Value::Kind::integer;
    value.integer = integer->get();
  } else if (const auto* real = node.as_floating_point()) {
    value.kind = Value::Kind::real;
    value.real = real->get();
  } else if (const auto* truth = node.as_boolean()) {
    value.kind = Value::Kind::boolean;
    value.boolean = truth->get();
  } else {
    value.kind = Value::Kind::string;
    value.string = date_text(node);
  }
  return value;
}

}  // namespace

std::optional<Problem> read_toml(Document& document) {
  try {
    document.root = convert(toml::parse(document.text));
    return std::nullopt;
  } catch (const toml::parse_error& error) {
    return Problem{place_of(error.source()), std::string(error.description()), {}};
  }
}

}  // namespace roost::config
