#include "core/base/json_parser.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "core/base/json_scan.h"
#include "core/base/utf8.h"

namespace roost::detail {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string position_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = newline == std::string_view::npos ? offset + 1 : offset - newline;
  return "line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
}

// What stands there, for messages: printable as it is, anything else by number.
std::string name_of_byte(unsigned char byte) {
  if (byte > 0x20 && byte < 0x7F) return std::string("'") + static_cast<char>(byte) + "'";
  constexpr std::string_view kHex = "0123456789abcdef";
  return std::string("byte 0x") + kHex[byte >> 4] + kHex[byte & 0xF];
}

}  // namespace

bool JsonParser::fail(std::string what) {
  problem_ = std::move(what);
  problem_at_ = at_;
  return false;
}

bool JsonParser::fail_expecting(std::string_view what) {
  const std::string got =
      at_ == end_ ? std::string("the end") : name_of_byte(static_cast<unsigned char>(*at_));
  return fail("expected " + std::string(what) + ", got " + got);
}

Status JsonParser::parse(std::string_view original) {
  bool good = value({}, 0);
  if (good) {
    skip_space();
    if (at_ != end_) good = fail_expecting("the end");
  }
  if (good) return ok();
  return Error{Errc::invalid, position_of(original, offset(problem_at_)) + problem_, {}};
}

bool JsonParser::value(const Text& key, std::uint32_t depth) {
  skip_space();
  if (document_.nodes.size() >= limits_.max_values) return fail("too many values");
  const auto self = static_cast<std::uint32_t>(document_.nodes.size());
  JsonNode& node = document_.nodes.emplace_back();
  node.key_offset = key.offset;
  node.key_length = key.length & 0x0FFFFFFF;
  const auto set_type = [&node](JsonType type) { node.type = static_cast<unsigned>(type) & 0xF; };
  switch (at_ == end_ ? '\0' : *at_) {
    case '{':
      set_type(JsonType::object);
      return object(self, depth + 1);
    case '[':
      set_type(JsonType::array);
      return array(self, depth + 1);
    case '"': {
      set_type(JsonType::string);
      Text text;
      if (!string(text)) return false;
      node.string = {text.offset, text.length};
      return true;
    }
    case 't':
      set_type(JsonType::boolean);
      node.boolean = true;
      return literal("true");
    case 'f':
      set_type(JsonType::boolean);
      node.boolean = false;
      return literal("false");
    case 'n':
      set_type(JsonType::null);
      return literal("null");
    default:
      return number(node);
  }
}

bool JsonParser::literal(std::string_view word) {
  if (static_cast<std::size_t>(end_ - at_) < word.size() ||
      std::memcmp(at_, word.data(), word.size()) != 0)
    return fail_expecting("a value");
  at_ += word.size();
  return true;
}

bool JsonParser::digits() {
  if (at_ == end_ || !is_digit(*at_)) return fail_expecting("a digit");
  while (at_ < end_ && is_digit(*at_))
    ++at_;
  return true;
}

bool JsonParser::number(JsonNode& node) {
  const char* from = at_;
  const bool negative = take('-');
  const char* first_digit = at_;
  std::uint64_t value = 0;  // wraps beyond 19 digits, and is not used then
  for (; at_ < end_ && is_digit(*at_); ++at_)
    value = value * 10 + static_cast<std::uint64_t>(*at_ - '0');
  const auto count = at_ - first_digit;
  if (count == 0) return fail_expecting(negative ? "a digit" : "a value");
  if (count > 1 && *first_digit == '0') return fail("a number must not begin with 0");
  if (at_ < end_ && (*at_ == '.' || *at_ == 'e' || *at_ == 'E')) return fraction(node, from);
  if (count > 18) return large_integer(node, from);
  node.type = static_cast<unsigned>(JsonType::integer) & 0xF;
  node.integer = negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
  return true;
}

bool JsonParser::fraction(JsonNode& node, const char* from) {
  if (take('.') && !digits()) return false;
  if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (!take('+')) (void)take('-');
    if (!digits()) return false;
  }
  return double_value(node, from);
}

bool JsonParser::large_integer(JsonNode& node, const char* from) {
  std::int64_t value = 0;
  if (std::from_chars(from, at_, value).ec == std::errc()) {
    node.type = static_cast<unsigned>(JsonType::integer) & 0xF;
    node.integer = value;
    return true;
  }
  std::uint64_t large = 0;
  if (std::from_chars(from, at_, large).ec == std::errc()) {
    node.type = static_cast<unsigned>(JsonType::unsigned_integer) & 0xF;
    node.unsigned_integer = large;
    return true;
  }
  return double_value(node, from);
}

bool JsonParser::double_value(JsonNode& node, const char* from) {
  double value = 0;
  if (std::from_chars(from, at_, value).ec != std::errc()) {
    // Out of range, and it does not say in which direction: towards zero is a zero, away from it is
    // refused.
    value = std::strtod(std::string(from, static_cast<const char*>(at_)).c_str(), nullptr);
    if (!std::isfinite(value)) return fail("number out of range");
  }
  node.type = static_cast<unsigned>(JsonType::number) & 0xF;
  node.number = value;
  return true;
}

bool JsonParser::string(Text& out) {
  ++at_;  // the quote
  const char* from = at_;
  at_ += json_plain_run(at_, end_);
  if (at_ == end_ || *at_ != '"') return long_string(out, from);
  out = {offset(from), static_cast<std::uint32_t>(at_ - from)};
  ++at_;
  return true;
}

// The rest of a string that holds more than plain ASCII.
bool JsonParser::long_string(Text& out, const char* from) {
  char* write = at_;
  while (at_ < end_ && *at_ != '"') {
    if (*at_ == '\\') {
      if (!escape(write)) return false;
      continue;
    }
    std::size_t length = json_plain_run(at_, end_);
    if (length == 0) {
      length = utf8_sequence({at_, static_cast<std::size_t>(end_ - at_)});
      if (length == 1) return fail("a control character in a string must be escaped");
      if (length == 0) return fail("invalid UTF-8 in a string");
    }
    std::memmove(write, at_, length);
    write += length;
    at_ += length;
  }
  if (at_ == end_) return fail("a string without end");
  out = {offset(from), static_cast<std::uint32_t>(write - from)};
  ++at_;
  return true;
}

bool JsonParser::escape(char*& write) {
  ++at_;  // the backslash
  switch (at_ == end_ ? '\0' : *at_) {
    case '"':
    case '\\':
    case '/':
      *write = *at_;
      break;
    case 'b':
      *write = '\b';
      break;
    case 'f':
      *write = '\f';
      break;
    case 'n':
      *write = '\n';
      break;
    case 'r':
      *write = '\r';
      break;
    case 't':
      *write = '\t';
      break;
    case 'u':
      ++at_;
      return unicode_escape(write);
    default:
      return fail_expecting("an escape such as \\n");
  }
  ++write;
  ++at_;
  return true;
}

bool JsonParser::hex4(std::uint32_t& out) {
  out = 0;
  const auto left = static_cast<std::size_t>(end_ - at_);
  const char* stop = at_ + std::min<std::size_t>(left, 4);
  const auto [read, error] = std::from_chars(at_, stop, out, 16);
  if (error != std::errc() || read != at_ + 4) return fail("\\u needs four hexadecimal digits");
  at_ += 4;
  return true;
}

bool JsonParser::unicode_escape(char*& write) {
  std::uint32_t code = 0;
  if (!hex4(code)) return false;
  if (code == 0) return fail("NUL in a string");
  if (code >= 0xDC00 && code <= 0xDFFF) return fail("half of a surrogate pair");
  if (code >= 0xD800 && code <= 0xDBFF) {
    std::uint32_t low = 0;
    if (!take('\\') || !take('u')) return fail("half of a surrogate pair");
    if (!hex4(low)) return false;
    if (low < 0xDC00 || low > 0xDFFF) return fail("half of a surrogate pair");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  std::string bytes;
  append_utf8(bytes, static_cast<char32_t>(code));
  std::memcpy(write, bytes.data(), bytes.size());  // never longer than the escape it replaces
  write += bytes.size();
  return true;
}

bool JsonParser::array(std::uint32_t self, std::uint32_t depth) {
  if (depth > limits_.max_depth)
    return fail("nested deeper than " + std::to_string(limits_.max_depth) + " levels");
  ++at_;  // the bracket
  std::uint32_t count = 0;
  skip_space();
  if (!take(']')) {
    do {
      if (!value({}, depth)) return false;
      ++count;
      skip_space();
    } while (take(','));
    if (!take(']')) return fail_expecting("',' or ']' after an item");
  }
  document_.nodes[self].container = {count, static_cast<std::uint32_t>(document_.nodes.size())};
  return true;
}

bool JsonParser::object(std::uint32_t self, std::uint32_t depth) {
  if (depth > limits_.max_depth)
    return fail("nested deeper than " + std::to_string(limits_.max_depth) + " levels");
  ++at_;  // the brace
  std::uint32_t count = 0;
  skip_space();
  if (!take('}')) {
    do {
      if (!member(depth)) return false;
      ++count;
      skip_space();
    } while (take(','));
    if (!take('}')) return fail_expecting("',' or '}' after a member");
  }
  document_.nodes[self].container = {count, static_cast<std::uint32_t>(document_.nodes.size())};
  return unique_keys(self);
}

bool JsonParser::member(std::uint32_t depth) {
  skip_space();
  if (at_ == end_ || *at_ != '"') return fail_expecting("a member's name in double quotes");
  Text key;
  if (!string(key)) return false;
  skip_space();
  if (!take(':')) return fail_expecting("':' after a member's name");
  return value(key, depth);
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
        if (key_of(document_.nodes[other]) == key)
          return fail("the name '" + std::string(key) + "' twice in an object");
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
  return twice == keys.end() || fail("the name '" + std::string(*twice) + "' twice in an object");
}

}  // namespace roost::detail
