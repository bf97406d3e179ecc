#include "core/model/time_zone.h"

#include <algorithm>
#include <chrono>
#include <string>

namespace roost::model {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::size_t kHeader = 44;
constexpr std::int64_t kFarthest = std::int64_t{1} << 60U;  // the big bang of tzdata is nearer
constexpr std::int32_t kLargestOffset = 26 * 3600;

std::int64_t days_from_civil(int year, unsigned month, unsigned day) {
  const auto date = std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
  return std::chrono::sys_days(date).time_since_epoch().count();
}

int year_of(std::int64_t seconds) {
  const auto days = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds(std::chrono::seconds(seconds)));
  return static_cast<int>(std::chrono::year_month_day(days).year());
}

}  // namespace

// "CET-1CEST,M3.5.0,M10.5.0/3": offsets are hours west, as in TZ.
class TimeZone::RuleReader {
 public:
  explicit RuleReader(std::string_view text) : rest_(text) {}

  std::optional<Rule> read() {
    Rule rule;
    const bool standard = name() && offset(rule.standard);
    if (!standard) return std::nullopt;
    rule.standard = -rule.standard;
    if (rest_.empty()) return rule;
    if (!name()) return std::nullopt;
    rule.has_summer = true;
    rule.summer = rule.standard + 3600;
    if (!rest_.empty() && rest_.front() != ',') {
      if (!offset(rule.summer)) return std::nullopt;
      rule.summer = -rule.summer;
    }
    if (!take(',') || !day(rule.begins) || !take(',') || !day(rule.ends) || !rest_.empty())
      return std::nullopt;
    return rule;
  }

 private:
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool name() {
    if (take('<')) {
      const auto end = rest_.find('>');
      if (end == std::string_view::npos || end == 0) return false;
      rest_.remove_prefix(end + 1);
      return true;
    }
    std::size_t letters = 0;
    while (letters < rest_.size() && ((rest_[letters] | 0x20) >= 'a') &&
           ((rest_[letters] | 0x20) <= 'z'))
      ++letters;
    rest_.remove_prefix(letters);
    return letters >= 3;
  }

  bool number(int& out, int highest) {
    int value = 0;
    std::size_t digits = 0;
    while (digits < rest_.size() && digits < 4 && rest_[digits] >= '0' && rest_[digits] <= '9')
      value = value * 10 + (rest_[digits++] - '0');
    rest_.remove_prefix(digits);
    out = value;
    return digits > 0 && value <= highest;
  }

  // [+-]hh[:mm[:ss]]
  bool offset(std::int32_t& out) {
    const bool negative = take('-');
    if (!negative) (void)take('+');  // it may stand there
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    if (!number(hours, 167)) return false;
    if (take(':') && !number(minutes, 59)) return false;
    if (take(':') && !number(seconds, 59)) return false;
    out = hours * 3600 + minutes * 60 + seconds;
    if (negative) out = -out;
    return true;
  }

  bool day(Day& out) {
    if (take('M')) {
      out.kind = Day::Kind::month;
      const bool good = number(out.month, 12) && take('.') && number(out.week, 5) && take('.') &&
                        number(out.weekday, 6);
      if (!good || out.month < 1 || out.week < 1) return false;
    } else {
      out.kind = take('J') ? Day::Kind::julian : Day::Kind::zero_based;
      if (!number(out.day, 365) || (out.kind == Day::Kind::julian && out.day < 1)) return false;
    }
    return !take('/') || offset(out.time);
  }

  std::string_view rest_;
};

// The 64-bit part of a TZif file, of version 2 or later.
class TimeZone::FileReader {
 public:
  explicit FileReader(std::string_view bytes) : bytes_(bytes) {}

  bool read(TimeZone& zone) {
    if (!header() || bytes_[4] < '2') return false;
    at_ += size_of_data(4);
    if (!header()) return false;
    if (size_of_data(8) > bytes_.size() - at_ || types_ == 0) return false;
    if (!body(zone)) return false;
    at_ += size_of_data(8);
    return footer(zone);
  }

 private:
  bool header() {
    if (at_ > bytes_.size() || bytes_.size() - at_ < kHeader) return false;
    if (bytes_.substr(at_, 4) != "TZif") return false;
    const auto count = [this](std::size_t i) {
      return static_cast<std::size_t>(big_endian(at_ + 20 + 4 * i, 4));
    };
    constexpr std::size_t kMost = 65'536;  // more is no file of time zones
    for (std::size_t i = 0; i < 6; ++i)
      if (count(i) > kMost) return false;
    is_ut_ = count(0);
    is_standard_ = count(1);
    leaps_ = count(2);
    times_ = count(3);
    types_ = count(4);
    chars_ = count(5);
    at_ += kHeader;
    return true;
  }

  [[nodiscard]] std::size_t size_of_data(std::size_t time_size) const {
    return times_ * (time_size + 1) + types_ * 6 + chars_ + leaps_ * (time_size + 4) +
           is_standard_ + is_ut_;
  }

  bool body(TimeZone& zone) const {
    std::vector<std::int32_t> offsets;
    for (std::size_t i = 0; i < types_; ++i) {
      const auto offset = static_cast<std::int32_t>(big_endian(at_ + times_ * 9 + i * 6, 4));
      if (offset > kLargestOffset || offset < -kLargestOffset) return false;
      offsets.push_back(offset);
    }
    zone.first_ = offsets.front();
    for (std::size_t i = 0; i < times_; ++i) {
      const auto when = static_cast<std::int64_t>(big_endian(at_ + i * 8, 8));
      const auto type = static_cast<unsigned char>(bytes_[at_ + times_ * 8 + i]);
      if (type >= types_ || when < -kFarthest || when > kFarthest ||
          (i > 0 && when <= zone.changes_.back().at))
        return false;
      zone.changes_.push_back({when, offsets[type]});
    }
    return true;
  }

  bool footer(TimeZone& zone) const {
    const std::string_view rest = bytes_.substr(at_);
    if (rest.size() < 2 || rest.front() != '\n') return false;
    const auto end = rest.find('\n', 1);
    if (end == std::string_view::npos) return false;
    const std::string_view text = rest.substr(1, end - 1);
    if (text.empty()) return true;
    zone.rule_ = RuleReader(text).read();
    return zone.rule_.has_value();
  }

  [[nodiscard]] std::uint64_t big_endian(std::size_t at, std::size_t size) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
      value = value << 8U | static_cast<unsigned char>(bytes_[at + i]);
    return value;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  std::size_t is_ut_ = 0, is_standard_ = 0, leaps_ = 0, times_ = 0, types_ = 0, chars_ = 0;
};

Result<TimeZone> TimeZone::from_tzif(std::string_view bytes) {
  TimeZone zone;
  if (!FileReader(bytes).read(zone))
    return Error{Errc::invalid, "not a file of a time zone (TZif, version 2 or later)", {}};
  return zone;
}

Result<TimeZone> TimeZone::from_rule(std::string_view text) {
  TimeZone zone;
  zone.rule_ = RuleReader(text).read();
  if (!zone.rule_)
    return Error{
        Errc::invalid, "'" + std::string(text.substr(0, 40)) + "' is no rule of a time zone", {}};
  zone.first_ = zone.rule_->standard;
  return zone;
}

std::int64_t TimeZone::local_seconds(const Day& day, int year) {
  const std::int64_t new_year = days_from_civil(year, 1, 1);
  std::int64_t date = 0;
  switch (day.kind) {
    case Day::Kind::julian: {  // 1 to 365, 29 February is never counted
      const bool leap = std::chrono::year(year).is_leap();
      date = new_year + day.day - 1 + (leap && day.day >= 60 ? 1 : 0);
      break;
    }
    case Day::Kind::zero_based:
      date = new_year + day.day;
      break;
    case Day::Kind::month: {
      const std::int64_t first = days_from_civil(year, static_cast<unsigned>(day.month), 1);
      const int first_weekday = static_cast<int>(((first + 4) % 7 + 7) % 7);
      date = first + (day.weekday - first_weekday + 7) % 7 + 7 * (day.week - 1);
      const int next_year = day.month == 12 ? year + 1 : year;
      const unsigned next_month = day.month == 12 ? 1 : static_cast<unsigned>(day.month) + 1;
      while (date >= days_from_civil(next_year, next_month, 1))  // week 5 is the last one
        date -= 7;
      break;
    }
  }
  return date * kDay + day.time;
}

std::array<TimeZone::Change, 2> TimeZone::changes_of(int year) const {
  const Rule& rule = *rule_;
  std::array<Change, 2> changes{
      Change{local_seconds(rule.begins, year) - rule.standard, rule.summer},
      Change{local_seconds(rule.ends, year) - rule.summer, rule.standard}};
  if (changes[1].at < changes[0].at) std::swap(changes[0], changes[1]);
  return changes;
}

TimeZone::Span TimeZone::at_by_rule(std::int64_t seconds, std::int32_t offset_before,
                                    std::int64_t begin) const {
  if (!rule_->has_summer)
    return {
        .begin = begin, .end = kForever, .offset = rule_->standard, .offset_before = offset_before};
  const int year = year_of(seconds);
  std::vector<Change> around;
  for (int y = year - 1; y <= year + 1; ++y)
    for (const Change& change : changes_of(y))
      around.push_back(change);
  const auto next = std::find_if(around.begin(), around.end(),
                                 [&](const Change& change) { return change.at > seconds; });
  if (next == around.begin() || next == around.end()) return {};  // cannot be: a year on both sides
  const Change& last = *(next - 1);
  Span span{.begin = last.at, .end = next->at, .offset = last.offset, .offset_before = last.offset};
  if (next - 1 != around.begin()) span.offset_before = (next - 2)->offset;
  if (begin >= span.begin && begin != kNever) {  // the rule takes over within this stretch
    span.begin = begin;
    span.offset_before = offset_before;
  }
  return span;
}

TimeZone::Span TimeZone::at(std::int64_t seconds) const {
  const auto next =
      std::upper_bound(changes_.begin(), changes_.end(), seconds,
                       [](std::int64_t value, const Change& change) { return value < change.at; });
  const auto before = [this](std::size_t i) { return i == 0 ? first_ : changes_[i - 1].offset; };
  const auto index = static_cast<std::size_t>(next - changes_.begin());
  if (next == changes_.end() && rule_)
    return changes_.empty() ? at_by_rule(seconds, first_, kNever)
                            : at_by_rule(seconds, before(index - 1), changes_.back().at);
  Span span{
      .begin = kNever, .end = kForever, .offset = before(index), .offset_before = before(index)};
  if (index > 0) {
    span.begin = changes_[index - 1].at;
    span.offset_before = before(index - 1);
  }
  if (next != changes_.end()) span.end = next->at;
  return span;
}

}  // namespace roost::model
