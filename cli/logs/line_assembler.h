// LineAssembler: bytes of one file, in pieces as they come, into lines. Holds at most one line, and
// of it no more than is shown.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/time.h"

namespace roost::cli {

class LineAssembler {
 public:
  // begin: offset of the line's (or piece's) first byte. Lines above kMaxShownLine come cut, with a
  // mark.
  using OnText = std::function<void(std::uint64_t begin, std::string_view text, bool ended)>;
  // How long a line without newline is waited for before its piece is given.
  static constexpr Duration kPatience = 200ms;

  void add(std::uint64_t offset, std::string_view bytes, TimePoint now, const OnText& on_text);
  // Gives the piece that waits, if its time has come.
  void flush_due(TimePoint now, const OnText& on_text);
  // Gives what waits now, because the file has ended (renamed away) .
  void flush(const OnText& on_text);
  // Forgets what waits: the file was truncated.
  void clear();

  [[nodiscard]] bool is_waiting() const { return length_ > 0; }

  [[nodiscard]] TimePoint due() const { return since_ + kPatience; }

 private:
  void append(std::uint64_t offset, std::string_view bytes, TimePoint now);
  void give(bool ended, const OnText& on_text);

  std::string text_;          // what will be shown of the line
  std::uint64_t length_ = 0;  // of the whole line so far
  std::uint64_t begin_ = 0;
  TimePoint since_;
  std::string storage_;
};

}  // namespace roost::cli
