// The parser behind parse_json(): fills a JsonDocument, recursive to a limited depth.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/json.h"
#include "core/base/json_scanner.h"
#include "core/base/result.h"

namespace roost::detail {

class JsonParser {
 public:
  // `document.text` holds a copy of `original`; it must not change while the parser is at work.
  JsonParser(JsonDocument& document, std::string_view original, const JsonLimits& limits)
      : document_(document), limits_(limits), scanner_(document.text, original) {}

  Status parse();

 private:
  // All return false after a failure, which the scanner remembers.
  bool value(std::string_view key, std::uint32_t depth);
  bool container(std::uint32_t self, JsonType type, std::uint32_t depth);
  bool items(std::uint32_t& count, std::uint32_t depth);
  bool members(std::uint32_t& count, std::uint32_t depth);
  bool unique_keys(std::uint32_t self);
  bool unique_keys_by_sorting(std::uint32_t self);
  bool refuse_twice(std::string_view key);

  [[nodiscard]] std::uint32_t offset(std::string_view part) const {
    return static_cast<std::uint32_t>(part.data() - document_.text.data());
  }

  [[nodiscard]] std::string_view key_of(const JsonNode& node) const {
    return {document_.text.data() + node.key_offset, node.key_length};
  }

  JsonDocument& document_;
  const JsonLimits& limits_;
  JsonScanner scanner_;
};

}  // namespace roost::detail
