#include "core/base/json_parser.h"

#include <algorithm>
#include <vector>

namespace roost::detail {

Status JsonParser::parse() {
  if (value({}, 0) && scanner_.end_of_text()) return ok();
  return scanner_.error();
}

bool JsonParser::value(std::string_view key, std::uint32_t depth) {
  if (document_.nodes.size() >= limits_.max_values) return scanner_.fail("too many values");
  JsonToken token;
  if (!scanner_.token(token)) return false;
  const auto self = static_cast<std::uint32_t>(document_.nodes.size());
  JsonNode& node = document_.nodes.emplace_back();
  node.key_offset = key.empty() ? 0 : offset(key);
  node.key_length = static_cast<std::uint32_t>(key.size()) & 0x0FFFFFFF;
  node.type = static_cast<unsigned>(token.type) & 0xF;
  if (token.is_container()) return container(self, token.type, depth + 1);
  if (token.type == JsonType::string)
    node.string = {token.string.empty() ? 0 : offset(token.string),
                   static_cast<std::uint32_t>(token.string.size())};
  else
    node.unsigned_integer = token.unsigned_integer;  // whichever of the union's members it is
  return true;
}

bool JsonParser::container(std::uint32_t self, JsonType type, std::uint32_t depth) {
  if (depth > limits_.max_depth)
    return scanner_.fail("nested deeper than " + std::to_string(limits_.max_depth) + " levels");
  std::uint32_t count = 0;
  const bool read = type == JsonType::array ? items(count, depth) : members(count, depth);
  if (!read) return false;
  document_.nodes[self].container = {count, static_cast<std::uint32_t>(document_.nodes.size())};
  return type == JsonType::array || unique_keys(self);
}

bool JsonParser::items(std::uint32_t& count, std::uint32_t depth) {
  scanner_.skip_space();
  if (scanner_.take(']')) return true;
  do {
    if (!value({}, depth)) return false;
    ++count;
    scanner_.skip_space();
  } while (scanner_.take(','));
  return scanner_.take(']') || scanner_.fail_expecting("',' or ']' after an item");
}

bool JsonParser::members(std::uint32_t& count, std::uint32_t depth) {
  scanner_.skip_space();
  if (scanner_.take('}')) return true;
  do {
    std::string_view key;
    if (!scanner_.name(key) || !value(key, depth)) return false;
    ++count;
    scanner_.skip_space();
  } while (scanner_.take(','));
  return scanner_.take('}') || scanner_.fail_expecting("',' or '}' after a member");
}

// Small objects, the usual ones: a bit per key spares most comparisons. Large ones are sorted, so
// that a hostile one stays cheap.
bool JsonParser::unique_keys(std::uint32_t self) {
  const auto [count, end] = document_.nodes[self].container;
  if (count > 32) return unique_keys_by_sorting(self);
  const auto behind = [this](std::uint32_t i) {
    const JsonNode& node = document_.nodes[i];
    return node.type >= static_cast<unsigned>(JsonType::array) ? node.container.end : i + 1;
  };
  std::uint64_t seen = 0;
  for (std::uint32_t i = self + 1; i < end; i = behind(i)) {
    const std::string_view key = key_of(document_.nodes[i]);
    const auto byte = [key](std::size_t at) { return static_cast<unsigned char>(key[at]); };
    const unsigned mix =
        key.empty() ? 0U : byte(0) * 5U + byte(key.size() - 1) * 11U + byte(key.size() / 2);
    const std::uint64_t bit = std::uint64_t{1}
                              << ((mix + static_cast<unsigned>(key.size()) * 7U) & 63U);
    if ((seen & bit) != 0)
      for (std::uint32_t other = self + 1; other < i; other = behind(other))
        if (key_of(document_.nodes[other]) == key) return refuse_twice(key);
    seen |= bit;
  }
  return true;
}

bool JsonParser::unique_keys_by_sorting(std::uint32_t self) {
  const auto [count, end] = document_.nodes[self].container;
  std::vector<std::string_view> keys;
  keys.reserve(count);
  for (std::uint32_t i = self + 1; i < end;) {
    const JsonNode& node = document_.nodes[i];
    keys.push_back(key_of(node));
    i = node.type >= static_cast<unsigned>(JsonType::array) ? node.container.end : i + 1;
  }
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice == keys.end()) return true;
  return refuse_twice(std::max(twice[0], twice[1], [](std::string_view a, std::string_view b) {
    return a.data() < b.data();
  }));
}

bool JsonParser::refuse_twice(std::string_view key) {
  return scanner_.refuse("'" + std::string(key) + "' stands here twice",
                         key.empty() ? nullptr : key.data() - 1);
}

}  // namespace roost::detail
