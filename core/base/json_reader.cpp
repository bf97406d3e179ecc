#include "core/base/json_reader.h"

namespace roost {

bool JsonReader::enter() {
  if (++depth_ <= max_depth_) return true;
  return scanner_.fail("nested deeper than " + std::to_string(max_depth_) + " levels");
}

bool JsonReader::next_item(bool first, JsonToken& item) {
  scanner_.skip_space();
  if (scanner_.failed()) return false;
  if (first ? !scanner_.take(']') : scanner_.take(',')) return read(item);
  if (!first && !scanner_.take(']')) return scanner_.fail_expecting("',' or ']' after an item");
  --depth_;
  return false;
}

bool JsonReader::next_member(bool first, std::string_view& name, JsonToken& value) {
  scanner_.skip_space();
  if (scanner_.failed()) return false;
  if (first ? !scanner_.take('}') : scanner_.take(',')) return scanner_.name(name) && read(value);
  if (!first && !scanner_.take('}')) return scanner_.fail_expecting("',' or '}' after a member");
  --depth_;
  return false;
}

void JsonReader::skip(const JsonToken& value) {
  JsonToken child;
  std::string_view name;
  if (value.type == JsonType::array)
    for (bool first = true; next_item(first, child); first = false)
      skip(child);
  if (value.type == JsonType::object)
    for (bool first = true; next_member(first, name, child); first = false)
      skip(child);
}

}  // namespace roost
