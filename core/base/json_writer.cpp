#include "core/base/json_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/base/json_scan.h"
#include "core/base/utf8.h"

namespace roost {
namespace {

void append_control(std::string& out, char byte) {
  switch (byte) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u00";
  out.push_back(kHex[static_cast<unsigned char>(byte) >> 4]);
  out.push_back(kHex[static_cast<unsigned char>(byte) & 0xF]);
}

template <class Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  (void)error;  // 32 bytes hold every integer and every shortest double
  out.append(digits.data(), end);
}

}  // namespace

void JsonWriter::quote(std::string_view value) {
  out_.push_back('"');
  const std::size_t plain = detail::json_plain_run(value.data(), value.data() + value.size());
  out_.append(value.data(), plain);
  if (plain < value.size()) escape(value.substr(plain));
  out_.push_back('"');
}

void JsonWriter::escape(std::string_view value) {
  while (!value.empty()) {
    std::size_t length = detail::json_plain_run(value.data(), value.data() + value.size());
    if (length == 0) length = utf8_sequence(value);
    if (length == 0 || value[0] == '\0')
      out_ += kReplacementCharacter;
    else if (length == 1 && !detail::is_json_plain(value[0]))
      append_control(out_, value[0]);
    else
      out_.append(value.substr(0, length));
    value.remove_prefix(length == 0 ? 1 : length);
  }
}

void JsonWriter::key(std::string_view name) {
  separate();
  quote(name);
  out_.push_back(':');
  comma_ = false;
}

void JsonWriter::plain_key(std::string_view name) {
  std::array<char, 64> text;
  if (name.size() + 4 > text.size()) return key(name);
  char* at = text.data();
  if (comma_) *at++ = ',';
  *at++ = '"';
  at = std::copy(name.begin(), name.end(), at);
  *at++ = '"';
  *at++ = ':';
  out_.append(text.data(), at);
  comma_ = false;
}

void JsonWriter::string(std::string_view value) {
  separate();
  quote(value);
}

void JsonWriter::integer(std::int64_t value) {
  separate();
  append_number(out_, value);
}

void JsonWriter::unsigned_integer(std::uint64_t value) {
  separate();
  append_number(out_, value);
}

void JsonWriter::number(double value) {
  if (!std::isfinite(value)) return null();
  if (value == 0 && std::signbit(value))
    return raw("-0.0");  // "-0" would read back as the integer 0
  separate();
  append_number(out_, value);
}

void JsonWriter::boolean(bool value) {
  raw(value ? "true" : "false");
}

void JsonWriter::null() {
  raw("null");
}

void JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
}

}  // namespace roost
