// JsonScanner: the words of JSON text. Strict RFC 8259, UTF-8 checked, NUL in strings refused;
// strings are decoded in place. JsonParser makes a DOM of it, JsonReader decodes without one.
// Written by hand because of the budget of `roost list`: a fraction of the instructions per byte of
// the general library, which is its oracle in the fuzz target and the tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/base/json_token.h"
#include "core/base/result.h"

namespace roost::detail {

class JsonScanner {
 public:
  // `text` is a copy of `original` that strings are decoded in; both outlive the scanner and all
  // tokens. Without an original, errors name the byte instead of line and column.
  JsonScanner(std::string& text, std::string_view original)
      : begin_(text.data()), end_(begin_ + text.size()), at_(begin_), original_(original) {}

  // All of these return false after a failure, of which the first one is kept: "line 3, column 7:
  // expected …".
  [[nodiscard]] bool failed() const { return problem_at_ != nullptr; }

  [[nodiscard]] Error error() const;

  // The next scalar; or the bracket of a container, consumed.
  bool token(JsonToken& out);
  // A member's name and its colon.
  bool name(std::string_view& out);

  // The next member is called that, in compact text: consumes the comma (unless first), the name
  // and the colon. Otherwise consumes nothing. Inline: the length of a record's field name is a
  // constant, so the comparison is a few instructions.
  [[gnu::always_inline]] bool compact_name_is(bool first, std::string_view expected) {
    const std::size_t comma = first ? 0 : 1;
    const std::size_t size = expected.size();
    const char* at = at_;
    if (static_cast<std::size_t>(end_ - at) < size + comma + 3 || (!first && *at != ','))
      return false;
    at += comma;
    if (at[0] != '"' || std::memcmp(at + 1, expected.data(), size) != 0 || at[size + 1] != '"' ||
        at[size + 2] != ':')
      return false;
    at_ += size + comma + 3;
    return true;
  }

  bool end_of_text();

  // Bytes that have not been read yet.
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

  void skip_space() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t'))
      ++at_;
  }

  // Consumes the byte if it is next.
  bool take(char byte) {
    if (at_ == end_ || *at_ != byte) return false;
    ++at_;
    return true;
  }

  bool fail(std::string what);
  // Of what is well-formed: Errc::conflict. Null: here.
  bool refuse(std::string what, const char* where = nullptr);
  bool fail_expecting(std::string_view what);

 private:
  bool literal(std::string_view word);
  bool number(JsonToken& out);
  bool digits();
  bool fraction(JsonToken& out, const char* from);
  bool large_integer(JsonToken& out, const char* from);
  bool double_value(JsonToken& out, const char* from);
  bool string(std::string_view& out);
  bool long_string(std::string_view& out, const char* from);
  bool escape(char*& write);
  bool unicode_escape(char*& write);
  bool hex4(std::uint32_t& out);

  char* begin_;
  char* end_;
  char* at_;
  std::string_view original_;
  std::string problem_;
  const char* problem_at_ = nullptr;
  Errc code_ = Errc::invalid;
};

}  // namespace roost::detail
