#include "core/model/cron.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace roost::model {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kEndOfTime = 200'000'000'000;  // the year 8307
constexpr std::int64_t kHorizonDays = 366 * 9;        // a 29 February may be eight years away

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNames{
    {{"@hourly", "0 * * * *"},
     {"@daily", "0 0 * * *"},
     {"@midnight", "0 0 * * *"},
     {"@weekly", "0 0 * * 0"},
     {"@monthly", "0 0 1 * *"},
     {"@yearly", "0 0 1 1 *"},
     {"@annually", "0 0 1 1 *"}}};
constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays{"sun", "mon", "tue", "wed",
                                                    "thu", "fri", "sat"};

struct FieldRule {
  std::string_view name;
  int lowest;
  int highest;
  std::span<const std::string_view> names{};  // the first one means `lowest`
};

constexpr std::array<FieldRule, 6> kFields{{{"second", 0, 59},
                                            {"minute", 0, 59},
                                            {"hour", 0, 23},
                                            {"day of the month", 1, 31},
                                            {"month", 1, 12, kMonths},
                                            {"day of the week", 0, 7, kWeekdays}}};

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words = split(text, " \t");
  std::erase_if(words, [](std::string_view word) { return word.empty(); });
  return words;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 40))
    out += c >= ' ' && c <= '~' ? c : '?';
  return out + "'";
}

Error bad(std::string_view part, const FieldRule& rule) {
  return {Errc::invalid,
          quoted(part) + " is no " + std::string(rule.name) + ", which goes from " +
              std::to_string(rule.lowest) + " to " + std::to_string(rule.highest),
          {}};
}

std::optional<int> number_of(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.front() == '-')
    return std::nullopt;
  return value;
}

std::optional<int> value_of(std::string_view text, const FieldRule& rule) {
  if (text.empty()) return std::nullopt;
  const std::string name = lower(text);
  for (std::size_t i = 0; i < rule.names.size(); ++i)
    if (rule.names[i] == name) return rule.lowest + static_cast<int>(i);
  const auto value = number_of(text);
  if (!value || *value < rule.lowest || *value > rule.highest) return std::nullopt;
  return value;
}

// "*", "5", "1-5", each with "/2".
template <std::size_t N>
Status set_part(std::string_view part, const FieldRule& rule, std::bitset<N>& out) {
  const auto slash = part.find('/');
  const std::string_view range = part.substr(0, slash);
  int step = 1;
  if (slash != std::string_view::npos) {
    const auto given = slash + 1 < part.size() ? number_of(part.substr(slash + 1)) : std::nullopt;
    if (!given || *given < 1 || *given > rule.highest)
      return Error{Errc::invalid,
                   quoted(part) + " has no step from 1 to " + std::to_string(rule.highest) +
                       " behind its '/'",
                   {}};
    step = *given;
  }
  int first = rule.lowest;
  int last = rule.highest;
  if (range != "*" && range != "?") {
    const auto dash = range.find('-');
    const auto from = value_of(range.substr(0, dash), rule);
    if (!from) return bad(part, rule);
    first = *from;
    last = slash == std::string_view::npos ? first : rule.highest;
    if (dash != std::string_view::npos) {
      const auto to = value_of(range.substr(dash + 1), rule);
      if (!to) return bad(part, rule);
      last = *to;
    }
    if (last < first)
      return Error{Errc::invalid, quoted(part) + " goes backwards", "write two ranges: 22-23,0-2"};
  } else if (rule.highest == 7) {
    last = 6;  // Sunday is 0 already
  }
  for (int i = first; i <= last; i += step)
    out.set(static_cast<std::size_t>(i));
  return ok();
}

template <std::size_t N>
Status set_field(std::string_view text, const FieldRule& rule, std::bitset<N>& out) {
  for (std::string_view part : split(text, ","))
    if (Status set = set_part(part, rule, out); !set) return set;
  return ok();
}

bool begins_with_any(std::string_view text) {
  return text.front() == '*' || text.front() == '?';
}

std::int64_t day_of(std::int64_t seconds) {
  return seconds / kDay - (seconds % kDay < 0 ? 1 : 0);
}

}  // namespace

Status Cron::set_fields(std::string_view text) {
  std::vector<std::string_view> words = words_of(text);
  if (words.size() == 5) words.insert(words.begin(), "0");
  if (words.size() != 6)
    return Error{Errc::invalid,
                 quoted(text) + " has " + std::to_string(words.size()) +
                     " fields instead of five, or six with the seconds in front",
                 {}};
  Status status = set_field(words[0], kFields[0], seconds_);
  if (status) status = set_field(words[1], kFields[1], minutes_);
  if (status) status = set_field(words[2], kFields[2], hours_);
  if (status) status = set_field(words[3], kFields[3], days_);
  if (status) status = set_field(words[4], kFields[4], months_);
  if (status) status = set_field(words[5], kFields[5], weekdays_);
  if (!status) return status;
  if (weekdays_[7]) weekdays_.set(0);
  any_day_ = begins_with_any(words[3]);
  any_weekday_ = begins_with_any(words[5]);
  return ok();
}

Result<Cron> Cron::parse(std::string_view text) {
  Cron cron;
  const auto words = words_of(text);
  std::string_view fields = text;
  if (words.size() == 1 && words[0].starts_with('@')) {
    const std::string name = lower(words[0]);
    const auto known = std::find_if(kNames.begin(), kNames.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    if (known == kNames.end())
      return Error{
          Errc::invalid, quoted(words[0]) + " is unknown",
          "there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually"};
    fields = known->second;
  }
  if (Status set = cron.set_fields(fields); !set) return std::move(set).error();
  if (!cron.next_shown(0))
    return Error{Errc::invalid, quoted(text) + " names a day that never comes", {}};
  return cron;
}

bool Cron::fits_day(std::int64_t day) const {
  const std::chrono::sys_days date{std::chrono::days(day)};
  const std::chrono::year_month_day civil(date);
  if (!months_[static_cast<unsigned>(civil.month())]) return false;
  const bool by_date = days_[static_cast<unsigned>(civil.day())];
  const bool by_weekday = weekdays_[std::chrono::weekday(date).c_encoding()];
  return any_day_ || any_weekday_ ? by_date && by_weekday : by_date || by_weekday;
}

// `from` and the answer: seconds since midnight.
std::optional<std::int64_t> Cron::next_in_day(std::int64_t from) const {
  const auto next_of = [](const auto& set, std::int64_t at) {
    while (at < static_cast<std::int64_t>(set.size()) && !set[static_cast<std::size_t>(at)])
      ++at;
    return at;
  };
  std::int64_t hour = from / 3600;
  std::int64_t minute = from / 60 % 60;
  std::int64_t second = from % 60;
  while ((hour = next_of(hours_, hour)) < 24) {
    if (hour != from / 3600) minute = second = 0;
    while ((minute = next_of(minutes_, minute)) < 60) {
      if (hour != from / 3600 || minute != from / 60 % 60) second = 0;
      if (second = next_of(seconds_, second); second < 60)
        return hour * 3600 + minute * 60 + second;
      ++minute;
    }
    ++hour;
  }
  return std::nullopt;
}

// What a clock shows, as if it were UTC; from `from` on.
std::optional<std::int64_t> Cron::next_shown(std::int64_t from) const {
  const std::int64_t first = day_of(from);
  for (std::int64_t day = first; day <= first + kHorizonDays; ++day) {
    if (!fits_day(day)) continue;
    if (const auto second = next_in_day(day == first ? from - day * kDay : 0))
      return day * kDay + *second;
  }
  return std::nullopt;
}

std::int64_t Cron::next(std::int64_t after, const TimeZone& zone) const {
  const bool every_hour = is_for_every_hour();
  for (std::int64_t at = after + 1;;) {
    if (at > kEndOfTime) return TimeZone::kForever;
    const TimeZone::Span span = zone.at(at);
    std::int64_t shown = at + span.offset;
    if (!every_hour && span.begin != TimeZone::kNever) {
      const std::int64_t shown_before = span.begin + span.offset_before;
      if (span.offset < span.offset_before) shown = std::max(shown, shown_before);  // seen already
      if (span.offset > span.offset_before && at == span.begin) {
        const auto missed = next_shown(shown_before);
        if (missed && *missed < span.begin + span.offset) return at;
      }
    }
    const auto found = next_shown(shown);
    if (!found) return TimeZone::kForever;  // parse() has seen to it that there is one
    if (*found - span.offset < span.end) return *found - span.offset;
    at = span.end;
  }
}

std::int64_t next_due(const Cron& cron, const TimeZone& zone, std::int64_t now,
                      std::int64_t last_due) {
  constexpr std::int64_t kPutBack = 3 * 3600;
  const bool again = last_due > now && last_due - now <= kPutBack;
  return cron.next(again ? last_due : now, zone);
}

}  // namespace roost::model
