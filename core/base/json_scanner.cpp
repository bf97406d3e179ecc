#include "core/base/json_scanner.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/base/json_scan.h"
#include "core/base/utf8.h"

namespace roost::detail {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string position_of(std::string_view text, std::size_t offset) {
  if (text.data() == nullptr) return "byte " + std::to_string(offset + 1) + ": ";
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

bool JsonScanner::fail(std::string what) {
  if (failed()) return false;
  problem_ = std::move(what);
  problem_at_ = at_;
  return false;
}

bool JsonScanner::refuse(std::string what, const char* where) {
  if (failed()) return false;
  (void)fail(std::move(what));
  code_ = Errc::conflict;
  if (where != nullptr) problem_at_ = where;
  return false;
}

bool JsonScanner::fail_expecting(std::string_view what) {
  const std::string got =
      at_ == end_ ? std::string("the end") : name_of_byte(static_cast<unsigned char>(*at_));
  return fail("expected " + std::string(what) + ", got " + got);
}

Error JsonScanner::error() const {
  const std::size_t offset = failed() ? static_cast<std::size_t>(problem_at_ - begin_) : 0;
  return Error{code_, position_of(original_, offset) + problem_, {}};
}

bool JsonScanner::token(JsonToken& out) {
  skip_space();
  switch (at_ == end_ ? '\0' : *at_) {
    case '{':
      ++at_;
      out.type = JsonType::object;
      return true;
    case '[':
      ++at_;
      out.type = JsonType::array;
      return true;
    case '"':
      out.type = JsonType::string;
      return string(out.string);
    case 't':
      out.type = JsonType::boolean;
      out.boolean = true;
      return literal("true");
    case 'f':
      out.type = JsonType::boolean;
      out.boolean = false;
      return literal("false");
    case 'n':
      out.type = JsonType::null;
      return literal("null");
    default:
      return number(out);
  }
}

bool JsonScanner::name(std::string_view& out) {
  skip_space();
  if (at_ == end_ || *at_ != '"') return fail_expecting("a member's name in double quotes");
  if (!string(out)) return false;
  skip_space();
  return take(':') || fail_expecting("':' after a member's name");
}

bool JsonScanner::end_of_text() {
  skip_space();
  return at_ == end_ || fail_expecting("the end");
}

bool JsonScanner::literal(std::string_view word) {
  if (static_cast<std::size_t>(end_ - at_) < word.size() ||
      std::memcmp(at_, word.data(), word.size()) != 0)
    return fail_expecting("a value");
  at_ += word.size();
  return true;
}

bool JsonScanner::digits() {
  if (at_ == end_ || !is_digit(*at_)) return fail_expecting("a digit");
  while (at_ < end_ && is_digit(*at_))
    ++at_;
  return true;
}

bool JsonScanner::number(JsonToken& out) {
  const char* from = at_;
  const bool negative = take('-');
  const char* first_digit = at_;
  std::uint64_t value = 0;  // wraps beyond 19 digits, and is not used then
  for (; at_ < end_ && is_digit(*at_); ++at_)
    value = value * 10 + static_cast<std::uint64_t>(*at_ - '0');
  const auto count = at_ - first_digit;
  if (count == 0) return fail_expecting(negative ? "a digit" : "a value");
  if (count > 1 && *first_digit == '0') return fail("a number must not begin with 0");
  if (at_ < end_ && (*at_ == '.' || *at_ == 'e' || *at_ == 'E')) return fraction(out, from);
  if (count > 18) return large_integer(out, from);
  out.type = JsonType::integer;
  out.integer = negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
  return true;
}

bool JsonScanner::fraction(JsonToken& out, const char* from) {
  if (take('.') && !digits()) return false;
  if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (!take('+')) (void)take('-');
    if (!digits()) return false;
  }
  return double_value(out, from);
}

bool JsonScanner::large_integer(JsonToken& out, const char* from) {
  std::int64_t value = 0;
  if (std::from_chars(from, at_, value).ec == std::errc()) {
    out.type = JsonType::integer;
    out.integer = value;
    return true;
  }
  std::uint64_t large = 0;
  if (std::from_chars(from, at_, large).ec == std::errc()) {
    out.type = JsonType::unsigned_integer;
    out.unsigned_integer = large;
    return true;
  }
  return double_value(out, from);
}

bool JsonScanner::double_value(JsonToken& out, const char* from) {
  double value = 0;
  if (std::from_chars(from, at_, value).ec != std::errc()) {
    // Out of range, and it does not say in which direction: towards zero is a zero, away from it is
    // refused.
    value = std::strtod(std::string(from, static_cast<const char*>(at_)).c_str(), nullptr);
    if (!std::isfinite(value)) return refuse("number out of range");
  }
  out.type = JsonType::number;
  out.number = value;
  return true;
}

bool JsonScanner::string(std::string_view& out) {
  ++at_;  // the quote
  const char* from = at_;
  at_ += json_plain_run(at_, end_);
  if (at_ == end_ || *at_ != '"') return long_string(out, from);
  out = {from, static_cast<std::size_t>(at_ - from)};
  ++at_;
  return true;
}

// The rest of a string that holds more than plain ASCII.
bool JsonScanner::long_string(std::string_view& out, const char* from) {
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
  out = {from, static_cast<std::size_t>(write - from)};
  ++at_;
  return true;
}

bool JsonScanner::escape(char*& write) {
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

bool JsonScanner::hex4(std::uint32_t& out) {
  out = 0;
  const auto left = static_cast<std::size_t>(end_ - at_);
  const char* stop = at_ + std::min<std::size_t>(left, 4);
  const auto [read, error] = std::from_chars(at_, stop, out, 16);
  if (error != std::errc() || read != at_ + 4) return fail("\\u needs four hexadecimal digits");
  at_ += 4;
  return true;
}

bool JsonScanner::unicode_escape(char*& write) {
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

}  // namespace roost::detail
