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

// The end of a quoted text that begins at `at`, behind its closing quotes.
std::size_t end_of_text(std::string_view text, std::size_t at) {
  const std::string_view one = text.substr(at, 1);
  const std::string three(3, one.front());
  const std::string_view quotes =
      text.substr(at).starts_with(three) ? std::string_view(three) : one;
  for (at += quotes.size(); at < text.size(); ++at) {
    if (text[at] == '\\' && one == "\"") {
      ++at;
    } else if (text.substr(at).starts_with(quotes)) {
      return at + quotes.size();
    }
  }
  return text.size();
}

// Beyond ASCII, TOML has quoted texts and comments only; toml++ 3.3 runs astray on anything else.
std::optional<Problem> find_foreign(std::string_view text) {
  Place at{1, 1};
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    if (text[i] == '"' || text[i] == '\'') end = end_of_text(text, i);
    if (text[i] == '#') end = std::min(text.find('\n', i), text.size());
    if (static_cast<unsigned char>(text[i]) >= 0x80)
      return Problem{at, "only ASCII may stand outside of quotes and comments", {}};
    for (; i < end; ++i) {
      if (text[i] == '\n') at = {at.line + 1, 0};
      ++at.column;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Problem> read_toml(Document& document) {
  if (auto foreign = find_foreign(document.text)) return foreign;
  try {
    document.root = convert(toml::parse(document.text));
    return std::nullopt;
  } catch (const toml::parse_error& error) {
    return Problem{place_of(error.source()), std::string(error.description()), {}};
  }
}

}  // namespace roost::config
