#include "cli/logs/line_assembler.h"

#include <algorithm>

#include "cli/logs/log_file_view.h"

namespace roost::cli {

void LineAssembler::append(std::uint64_t offset, std::string_view bytes, TimePoint now) {
  if (bytes.empty()) return;
  if (length_ == 0) {
    begin_ = offset;
    since_ = now;
  }
  length_ += bytes.size();
  if (text_.size() < kMaxShownLine) text_.append(bytes.substr(0, kMaxShownLine - text_.size()));
}

void LineAssembler::give(bool ended, const OnText& on_text) {
  on_text(begin_, shown_line(text_, length_, storage_), ended);
  clear();
}

void LineAssembler::add(std::uint64_t offset, std::string_view bytes, TimePoint now,
                        const OnText& on_text) {
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    append(offset, bytes.substr(0, newline), now);
    if (newline == std::string_view::npos) return;
    if (length_ == 0)
      begin_ = offset;  // an empty line, or the newline after a piece that was given
    give(true, on_text);
    offset += newline + 1;
    bytes.remove_prefix(newline + 1);
  }
}

void LineAssembler::flush_due(TimePoint now, const OnText& on_text) {
  if (is_waiting() && now >= due()) give(false, on_text);
}

void LineAssembler::flush(const OnText& on_text) {
  if (is_waiting()) give(false, on_text);
}

void LineAssembler::clear() {
  text_.clear();
  length_ = 0;
}

}  // namespace roost::cli
