// What stands in a log file that is more than the app's bytes: a time before each line, or a JSON
// object for each. Pure: time and zone are the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/model/app_spec.h"
#include "core/model/log_marks.h"

namespace roost::model {

// A moment as a calendar and a clock of some place show it.
struct LocalTime {
  int year = 1970;
  int month = 1;  // 1 to 12
  int day = 1;
  int weekday = 4;  // 0: Sunday
  int hour = 0;
  int minute = 0;
  int second = 0;
  int millisecond = 0;
  int utc_offset = 0;  // minutes east of Greenwich
};

// PM2's `time: true`.
inline constexpr std::string_view kTimeFormat = "YYYY-MM-DDTHH:mm:ss";

// The format language of day.js: YY YYYY M MM MMM MMMM D DD d dd ddd dddd H HH h hh m mm s ss SSS A
// a Z ZZ, and [text]; all else stands for itself.
[[nodiscard]] std::string render_time(std::string_view format, const LocalTime& time);
// "2026-11-28T21:55:35.123Z"
[[nodiscard]] std::string render_iso_utc(const LocalTime& utc);

// How the lines of a stream are written.
struct LineRule {
  LogType type = LogType::raw;
  std::string date_format{};  // empty: no time before a line
  std::string app_name{};
  std::uint32_t process_id = 0;
  std::uint32_t slot = 0;

  friend bool operator==(const LineRule&, const LineRule&) = default;
};

// What the file ends with, seen from who writes next.
enum class FileEnd : std::uint8_t {
  line,       // nothing, or a newline
  own_piece,  // the beginning of a line of the same writer
  other_piece
};

// How many of `bytes` to write: up to the last newline; all, when what follows it is `limit` long.
[[nodiscard]] std::size_t whole_lines(std::string_view bytes, std::size_t limit);

// The first `most` lines of them.
[[nodiscard]] std::size_t first_lines(std::string_view bytes, std::size_t most);
// `bytes` without the beginning of a UTF-8 character at their end; all, where that is nothing.
[[nodiscard]] std::size_t whole_characters(std::string_view bytes);

// Appends what stands in the file for `bytes`, whole lines or pieces of one. `time`: the text of
// date_format or, for JSON without one, the ISO text.
void append_lines(const LineRule& rule, Stream stream, std::string_view time,
                  std::string_view bytes, FileEnd end, std::string& out);

}  // namespace roost::model
