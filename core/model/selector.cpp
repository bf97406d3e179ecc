#include "core/model/selector.h"

#include <algorithm>
#include <charconv>

#include "core/model/app_spec.h"
#include "core/model/limits.h"

namespace roost::model {
namespace {

constexpr std::size_t kLongestPattern = 2 * limits::kMaxNameBytes;

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::uint32_t> parse_number(std::string_view text) {
  std::uint32_t value = 0;
  if (!is_digits(text)) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_glob(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

bool is_regex(std::string_view text) {
  return text.size() > 2 && text.front() == '/' && text.back() == '/';
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::string shown(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, kLongestPattern))
    out += c >= ' ' && c <= '~' ? c : '?';
  return out + "'";
}

Error bad(std::string_view text, std::string_view why) {
  std::string message = "target " + shown(text) + ": ";
  return Error{
      Errc::invalid, message.append(why),
      "a target is an id, a name, name#slot, namespace/name, a glob, a /regex/, label=value or "
      "'all'"};
}

bool is_name_or_glob(std::string_view text) {
  if (is_glob(text)) return text.size() <= kLongestPattern && is_printable(text);
  return validate_name(text).has_value();
}

// One element of a set: "a" or "a-z". Advances past it.
bool set_element_has(std::string_view set, std::size_t& at, char c) {
  const auto low = static_cast<unsigned char>(set[at]);
  auto high = low;
  if (at + 2 < set.size() && set[at + 1] == '-') {
    high = static_cast<unsigned char>(set[at + 2]);
    at += 2;
  }
  ++at;
  const auto value = static_cast<unsigned char>(c);
  return low <= value && value <= high;
}

struct Match {
  bool hit = false;
  std::size_t length = 1;  // of the pattern's element
};

// `pattern` begins with '['. A ']' that comes first in the set stands for itself.
Match match_set(std::string_view pattern, char c) {
  std::size_t begin = 1;
  const bool negated = begin < pattern.size() && (pattern[begin] == '!' || pattern[begin] == '^');
  if (negated) ++begin;
  const std::size_t end = pattern.find(']', begin + 1);
  if (begin >= pattern.size() || end == std::string_view::npos) return {c == '[', 1};
  const std::string_view set = pattern.substr(begin, end - begin);
  bool found = false;
  for (std::size_t at = 0; at < set.size();)
    found = set_element_has(set, at, c) || found;
  return {found != negated, end + 1};
}

Match match_one(std::string_view pattern, char c) {
  if (pattern.front() == '?') return {true, 1};
  if (pattern.front() == '[') return match_set(pattern, c);
  return {pattern.front() == c, 1};
}

// "team=web,tier=a".
Result<Selector> parse_labels(std::string_view text) {
  Selector selector;
  selector.kind = Selector::Kind::labels;
  selector.text = std::string(text.substr(0, 2 * kLongestPattern));
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    const auto equals = one.find('=');
    if (equals == std::string_view::npos) return bad(text, "a label is NAME=VALUE");
    const std::string name(one.substr(0, equals));
    const std::string value(one.substr(equals + 1));
    if (Status valid = validate_label(name, value); !valid) return bad(text, valid.error().message);
    const auto [at, added] = selector.labels.emplace(name, value);
    if (!added && at->second != value) return bad(text, "a label has one value only");
    if (selector.labels.size() > limits::kMaxLabels) return bad(text, "has too many labels");
  }
  return selector;
}

bool has_labels(const TargetFacts& target, const std::map<std::string, std::string>& wanted) {
  return target.labels != nullptr &&
         std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
           const auto at = target.labels->find(label.first);
           return at != target.labels->end() && at->second == label.second;
         });
}

bool matches_text(const std::string& pattern, std::string_view text) {
  return is_glob(pattern) ? glob_match(pattern, text) : pattern == text;
}

}  // namespace

Status validate_label(std::string_view name, std::string_view value) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./").find(c) != std::string_view::npos;
  };
  const std::string most = std::to_string(limits::kMaxLabelBytes) + " bytes";
  if (name.empty() || !std::all_of(name.begin(), name.end(), fits))
    return Error{
        Errc::invalid, "label name " + shown(name) + " must be of letters, digits, - _ . /", {}};
  if (name.size() > limits::kMaxLabelBytes || value.size() > limits::kMaxLabelBytes)
    return Error{Errc::invalid, "label " + shown(name) + " is longer than " + most, {}};
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) {
    return c != ',' && static_cast<unsigned char>(c) >= ' ' && c != 0x7f;
  });
  if (!plain)
    return Error{
        Errc::invalid, "label " + shown(name) + " has a ',' or control character in its value", {}};
  return ok();
}

bool glob_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // pattern after the last '*' seen
  std::size_t star_text = 0;                  // what that '*' has eaten up to
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
      continue;
    }
    const Match m = p < pattern.size() ? match_one(pattern.substr(p), text[t]) : Match{};
    if (m.hit) {
      p += m.length;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

Result<Selector> parse_selector(std::string_view text) {
  Selector selector;
  selector.text = std::string(text.substr(0, 2 * kLongestPattern));
  if (text.empty()) return bad(text, "is empty");
  if (text.find('=') != std::string_view::npos && !is_regex(text)) return parse_labels(text);
  if (text.size() > 2 * kLongestPattern) return bad(text, "is too long");
  if (is_digits(text)) {
    const auto id = parse_number(text);
    if (!id) return bad(text, "is too large for an id");
    selector.kind = Selector::Kind::id;
    selector.id = InstanceId{*id};
    return selector;
  }
  if (is_regex(text)) {
    selector.kind = Selector::Kind::regex;
    selector.pattern = std::string(text.substr(1, text.size() - 2));
    return selector;
  }
  std::string_view rest = text;
  if (const auto hash = rest.rfind('#'); hash != std::string_view::npos) {
    selector.slot = parse_number(rest.substr(hash + 1));
    if (!selector.slot) return bad(text, "a number must follow '#'");
    rest = rest.substr(0, hash);
  }
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    const std::string_view ns = rest.substr(0, slash);
    if (!is_name_or_glob(ns)) return bad(text, "what stands before '/' is not a namespace");
    selector.ns = std::string(ns);
    rest = rest.substr(slash + 1);
  }
  if (rest == "all") return selector;
  if (!is_name_or_glob(rest)) return bad(text, "is not a name");
  selector.kind = is_glob(rest) ? Selector::Kind::glob : Selector::Kind::name;
  selector.pattern = std::string(rest);
  return selector;
}

Result<std::vector<Selector>> parse_selectors(std::span<const std::string> words) {
  std::vector<Selector> selectors;
  Error errors{Errc::invalid, {}, {}};
  for (const std::string& word : words) {
    Result<Selector> one = parse_selector(word);
    if (one) {
      selectors.push_back(*std::move(one));
      continue;
    }
    if (!errors.message.empty()) errors.message += '\n';
    errors.message += one.error().message;
    errors.hint = one.error().hint;
  }
  if (!errors.message.empty()) return errors;
  return selectors;
}

bool matches(const Selector& selector, const TargetFacts& target) {
  if (selector.slot && *selector.slot != target.slot) return false;
  if (selector.ns && !matches_text(*selector.ns, target.ns)) return false;
  switch (selector.kind) {
    case Selector::Kind::all:
      return true;
    case Selector::Kind::id:
      return selector.id == target.id;
    case Selector::Kind::name:
      return selector.pattern == target.name;
    case Selector::Kind::glob:
      return glob_match(selector.pattern, target.name);
    case Selector::Kind::regex:
      return selector.finds && selector.finds(target.name);
    case Selector::Kind::labels:
      return has_labels(target, selector.labels);
  }
  return false;
}

}  // namespace roost::model
