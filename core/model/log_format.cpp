#include "core/model/log_format.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/base/json_writer.h"

namespace roost::model {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                "Thursday", "Friday", "Saturday"};

std::string padded(int number, std::size_t width) {
  std::string text = std::to_string(number);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

std::string number(int value, std::size_t letters) {
  return padded(value, letters > 1 ? 2 : 1);
}

std::string offset_text(int minutes, std::string_view between) {
  const int distance = std::abs(minutes);
  return (minutes < 0 ? "-" : "+") + padded(distance / 60, 2) + std::string(between) +
         padded(distance % 60, 2);
}

template <std::size_t N>
std::string_view name(const std::array<std::string_view, N>& names, int index) {
  return names[static_cast<std::size_t>(index) % N];
}

int on_twelve(int hour) {
  return hour % 12 == 0 ? 12 : hour % 12;
}

struct Letter {
  char letter;
  std::size_t most;  // letters of one token
};

constexpr std::array<Letter, 12> kLetters{{{'Y', 4},
                                           {'M', 4},
                                           {'D', 2},
                                           {'d', 4},
                                           {'H', 2},
                                           {'h', 2},
                                           {'m', 2},
                                           {'s', 2},
                                           {'S', 3},
                                           {'A', 1},
                                           {'a', 1},
                                           {'Z', 2}}};

// The token the format begins with; empty when it begins with none.
std::string_view token_of(std::string_view format) {
  const auto* letter = std::find_if(kLetters.begin(), kLetters.end(),
                                    [&](const Letter& one) { return one.letter == format[0]; });
  if (letter == kLetters.end()) return {};
  const std::size_t run = std::min(format.find_first_not_of(format[0]), format.size());
  const std::size_t size = std::min(run, letter->most);
  if (format[0] == 'S' && size < 3) return {};
  if (format[0] == 'Y' && size < 4) return size < 2 ? std::string_view() : format.substr(0, 2);
  return format.substr(0, size);
}

std::string render_month(std::size_t letters, int month) {
  if (letters < 3) return number(month, letters);
  const std::string_view full = name(kMonths, month - 1);
  return std::string(letters == 3 ? full.substr(0, 3) : full);
}

std::string render_weekday(std::size_t letters, int weekday) {
  if (letters == 1) return std::to_string(weekday);
  const std::string_view full = name(kDays, weekday);
  return std::string(letters < 4 ? full.substr(0, letters) : full);
}

std::string render_token(std::string_view token, const LocalTime& time) {
  switch (token[0]) {
    case 'Y':
      return token.size() == 2 ? padded(time.year % 100, 2) : padded(time.year, 4);
    case 'M':
      return render_month(token.size(), time.month);
    case 'D':
      return number(time.day, token.size());
    case 'd':
      return render_weekday(token.size(), time.weekday);
    case 'H':
      return number(time.hour, token.size());
    case 'h':
      return number(on_twelve(time.hour), token.size());
    case 'm':
      return number(time.minute, token.size());
    case 's':
      return number(time.second, token.size());
    case 'S':
      return padded(time.millisecond, 3);
    case 'A':
      return time.hour < 12 ? "AM" : "PM";
    case 'a':
      return time.hour < 12 ? "am" : "pm";
    default:
      return offset_text(time.utc_offset, token.size() == 1 ? ":" : "");
  }
}

void append_object(const LineRule& rule, Stream stream, std::string_view time,
                   std::string_view line, std::string& out) {
  JsonWriter json(out);
  json.begin_object();
  json.key("message");
  json.string(line);
  json.key("timestamp");
  json.string(time);
  json.key("type");
  json.string(stream == Stream::err ? "err" : "out");
  json.key("process_id");
  json.unsigned_integer(rule.process_id);
  json.key("app_name");
  json.string(rule.app_name);
  json.end_object();
  out += '\n';
}

}  // namespace

std::string render_time(std::string_view format, const LocalTime& time) {
  std::string out;
  while (!format.empty()) {
    const std::size_t close = format[0] == '[' ? format.find(']') : std::string_view::npos;
    if (close != std::string_view::npos && close > 1) {
      out += format.substr(1, close - 1);
      format.remove_prefix(close + 1);
      continue;
    }
    const std::string_view token = token_of(format);
    if (token.empty())
      out += format[0];
    else
      out += render_token(token, time);
    format.remove_prefix(std::max<std::size_t>(token.size(), 1));
  }
  return out;
}

std::string render_iso_utc(const LocalTime& utc) {
  return render_time("YYYY-MM-DDTHH:mm:ss.SSS[Z]", utc);
}

std::size_t whole_lines(std::string_view bytes, std::size_t limit) {
  const std::size_t last = bytes.rfind('\n');
  const std::size_t whole = last == std::string_view::npos ? 0 : last + 1;
  return bytes.size() - whole >= limit ? bytes.size() : whole;
}

std::size_t first_lines(std::string_view bytes, std::size_t most) {
  std::size_t size = 0;
  for (; most > 0 && size < bytes.size(); --most) {
    const std::size_t newline = bytes.find('\n', size);
    size = newline == std::string_view::npos ? bytes.size() : newline + 1;
  }
  return size;
}

std::size_t whole_characters(std::string_view bytes) {
  constexpr std::size_t kLongest = 4;
  for (std::size_t back = 1; back <= std::min(kLongest, bytes.size()); ++back) {
    const auto byte = static_cast<unsigned char>(bytes[bytes.size() - back]);
    if ((byte & 0xC0U) == 0x80U) continue;  // within a character
    const std::size_t length = byte >= 0xF0U ? 4 : byte >= 0xE0U ? 3 : byte >= 0xC0U ? 2 : 1;
    const std::size_t whole = length > back ? bytes.size() - back : bytes.size();
    return whole > 0 ? whole : bytes.size();
  }
  return bytes.size();
}

void append_lines(const LineRule& rule, Stream stream, std::string_view time,
                  std::string_view bytes, FileEnd end, std::string& out) {
  if (end == FileEnd::other_piece || (end == FileEnd::own_piece && rule.type == LogType::json))
    out += '\n';
  if (rule.type == LogType::raw && rule.date_format.empty()) {
    out += bytes;
    return;
  }
  bool begins = end != FileEnd::own_piece;
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const std::size_t size = newline == std::string_view::npos ? bytes.size() : newline + 1;
    const std::string_view line = bytes.substr(0, size);
    bytes.remove_prefix(size);
    if (rule.type == LogType::json) {
      append_object(rule, stream, time, line, out);
      continue;
    }
    if (begins) out.append(time).append(": ");
    out += line;
    begins = true;
  }
}

}  // namespace roost::model
