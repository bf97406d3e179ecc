// Two sources that the record codec decodes from, of the same shape: JsonReader goes through text
// without building anything, JsonDomReader through a parsed JsonValue. Each value is visited once,
// in the order of the text; a value that is a container is walked to its end or skipped before the
// next one is asked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/json.h"
#include "core/base/json_scanner.h"
#include "core/base/json_token.h"

namespace roost {

class JsonReader {
 public:
  using Value = JsonToken;

  // As JsonScanner: strings are decoded in `text`, a copy of `original` (or the only one).
  JsonReader(std::string& text, std::string_view original, std::uint32_t max_depth)
      : scanner_(text, original), max_depth_(max_depth) {}

  // The value of the whole text; false after a failure.
  bool read(JsonToken& out) { return scanner_.token(out) && (!out.is_container() || enter()); }

  // Call it at the end: false when there was a failure or more text follows.
  [[nodiscard]] bool finish() { return !scanner_.failed() && scanner_.end_of_text(); }

  [[nodiscard]] Error error() const { return scanner_.error(); }

  [[nodiscard]] static const JsonToken& token(const JsonToken& value) { return value; }

  // How much text is left, asked within an item of an array that is a member of the root: most of
  // it belongs to that array. 0 elsewhere.
  [[nodiscard]] std::size_t left() const { return depth_ <= 3 ? scanner_.left() : 0; }

  // The rest of a container; nothing to do for a scalar.
  void skip(const JsonToken& value);

  template <class Visit>
  void for_each_item(const JsonToken&, Visit&& visit) {
    JsonToken item;
    for (bool first = true; next_item(first, item); first = false)
      visit(item);
  }

  class Members {
   public:
    Members(JsonReader& reader, const JsonToken&) : reader_(reader) {}

    // The next member if it is called that; only for compact text, which our own writer makes.
    // Cheap.
    [[gnu::always_inline]] bool next_is(std::string_view name, JsonToken& value) {
      if (!reader_.scanner_.compact_name_is(first_, name)) return false;
      first_ = false;
      return reader_.read(value);
    }

    // The next member, whatever it is called; false at the end. The name stays valid as long as the
    // text.
    bool next(std::string_view& name, JsonToken& value) {
      const bool first = std::exchange(first_, false);
      return reader_.next_member(first, name, value);
    }

   private:
    JsonReader& reader_;
    bool first_ = true;
  };

 private:
  bool next_item(bool first, JsonToken& item);
  bool next_member(bool first, std::string_view& name, JsonToken& value);
  bool enter();

  detail::JsonScanner scanner_;
  std::uint32_t max_depth_;
  std::uint32_t depth_ = 0;
};

class JsonDomReader {
 public:
  using Value = JsonRef;

  [[nodiscard]] static JsonToken token(JsonRef value) { return value.token(); }

  [[nodiscard]] static std::size_t left() { return 0; }  // not known

  void skip(JsonRef) {}

  template <class Visit>
  void for_each_item(JsonRef array, Visit&& visit) {
    array.for_each(visit);
  }

  class Members {
   public:
    Members(JsonDomReader&, JsonRef object) : object_(object), next_(object.first()) {}

    bool next_is(std::string_view name, JsonRef& value) {
      return next_ && next_.key() == name && next(name, value);
    }

    bool next(std::string_view& name, JsonRef& value) {
      if (!next_) return false;
      value = next_;
      name = next_.key();
      next_ = next_.next(object_);
      return true;
    }

   private:
    JsonRef object_;
    JsonRef next_;
  };
};

}  // namespace roost
