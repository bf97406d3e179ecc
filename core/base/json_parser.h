// The parser behind parse_json(). Strict RFC 8259, recursive to a limited depth, decodes strings in
// place. Written by hand because of the budget of `roost list`: about a fifth of the instructions
// per byte of the general library, which is its oracle in the fuzz target and the tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/json.h"
#include "core/base/result.h"

namespace roost::detail {

class JsonParser {
 public:
  // `document.text` holds the text; it must not change while the parser is at work.
  JsonParser(JsonDocument& document, const JsonLimits& limits)
      : document_(document),
        limits_(limits),
        begin_(document.text.data()),
        end_(begin_ + document.text.size()),
        at_(begin_) {}

  // `original`: the text as it was before strings were decoded in place, for positions in messages.
  Status parse(std::string_view original);

 private:
  struct Text {
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
  };

  // All return false after fail(), which remembers the first problem and where it is.
  bool value(const Text& key, std::uint32_t depth);
  bool literal(std::string_view word);
  bool number(JsonNode& node);
  bool digits();
  bool fraction(JsonNode& node, const char* from);
  bool large_integer(JsonNode& node, const char* from);
  bool double_value(JsonNode& node, const char* from);
  bool string(Text& out);
  bool long_string(Text& out, const char* from);
  bool escape(char*& write);
  bool unicode_escape(char*& write);
  bool hex4(std::uint32_t& out);
  bool array(std::uint32_t self, std::uint32_t depth);
  bool object(std::uint32_t self, std::uint32_t depth);
  bool member(std::uint32_t depth);
  bool unique_keys(std::uint32_t self);
  bool unique_keys_by_sorting(std::uint32_t self);
  bool fail(std::string what);
  bool fail_expecting(std::string_view what);

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

  [[nodiscard]] std::uint32_t offset(const char* p) const {
    return static_cast<std::uint32_t>(p - begin_);
  }

  [[nodiscard]] std::string_view key_of(const JsonNode& node) const {
    return {begin_ + node.key_offset, node.key_length};
  }

  JsonDocument& document_;
  const JsonLimits& limits_;
  char* begin_;
  char* end_;
  char* at_;
  std::string problem_;
  const char* problem_at_ = nullptr;
};

}  // namespace roost::detail
