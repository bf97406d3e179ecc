// JsonWriter: appends JSON text to a string. No DOM, no indentation. The caller keeps begin/end and
// key/value in step; commas are the writer's. Strings may hold any bytes: what is not UTF-8 becomes
// U+FFFD, NUL included, so the text always parses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace roost {

class JsonWriter {
 public:
  // `out` outlives the writer.
  explicit JsonWriter(std::string& out) : out_(out) {}

  void begin_object() { open('{'); }

  void end_object() { close('}'); }

  void begin_array() { open('['); }

  void end_array() { close(']'); }

  void key(std::string_view name);
  // For names known to need no escaping: those of record fields.
  void plain_key(std::string_view name);
  void string(std::string_view value);
  void integer(std::int64_t value);
  void unsigned_integer(std::uint64_t value);
  // Shortest text that reads back to the same value; infinities and NaN become null.
  void number(double value);
  void boolean(bool value);
  void null();
  // Text that is JSON already, spliced in as it is.
  void raw(std::string_view json);

 private:
  void open(char bracket) {
    separate();
    out_.push_back(bracket);
    comma_ = false;
  }

  void close(char bracket) {
    out_.push_back(bracket);
    comma_ = true;
  }

  void separate() {
    if (comma_) out_.push_back(',');
    comma_ = true;
  }

  void quote(std::string_view value);
  void escape(std::string_view value);

  std::string& out_;
  bool comma_ = false;  // a value came before at this level
};

}  // namespace roost
