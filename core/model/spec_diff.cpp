#include "core/model/spec_diff.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <type_traits>
#include <utility>

#include "core/base/words.h"
#include "core/model/restart_policy.h"

namespace roost::model {
namespace {

constexpr std::string_view kInherited = "inherited";  // not a setting of its own
constexpr std::size_t kLongest = 60;                  // of a value in a change

std::string shortened(std::string text) {
  if (text.size() <= kLongest) return text;
  std::size_t size = kLongest;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U)
    --size;  // not within a character
  return text.substr(0, size) + "…";
}

constexpr char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

std::string octal(std::uint64_t number) {
  std::string digits;
  for (; number > 0; number /= 8)
    digits.insert(digits.begin(), static_cast<char>('0' + number % 8));
  return "0" + digits;
}

std::string bytes(std::uint64_t number) {
  constexpr std::string_view kUnits = "KMGT";
  std::size_t unit = 0;
  while (number > 0 && number % 1024 == 0 && unit < kUnits.size()) {
    number /= 1024;
    ++unit;
  }
  return std::to_string(number) + (unit > 0 ? std::string(1, kUnits[unit - 1]) : "");
}

std::string text_of(std::string_view /*field*/, const std::string& value) {
  return value.empty() ? "none" : value;
}

std::string text_of(std::string_view /*field*/, bool value) {
  return value ? "true" : "false";
}

std::string text_of(std::string_view /*field*/, Duration value) {
  return in_words(value);
}

template <class T>

requires std::is_integral_v<T> std::string text_of(std::string_view field, T value) {
  if (field == "max_memory_restart" || field == "memory_max")
    return bytes(static_cast<std::uint64_t>(value));
  if (field == "stop_signal") return signal_name(static_cast<int>(value));
  return field == "umask" ? octal(static_cast<std::uint64_t>(value)) : std::to_string(value);
}

template <class T>

requires std::is_enum_v<T> std::string text_of(std::string_view /*field*/, T value) {
  for (const auto& [candidate, name] : EnumNames<T>::values)
    if (candidate == value) return std::string(name);
  return {};
}

template <class T>
std::string text_of(std::string_view field, const std::vector<T>& values) {
  std::string out;
  for (const T& value : values)
    out += (out.empty() ? "" : " ") + text_of(field, value);
  return out.empty() ? "none" : out;
}

// Absent records are told by their fields; see add().
template <class T>
std::string text_of(std::string_view field, const std::optional<T>& value) {
  return value ? text_of(field, *value) : "none";
}

template <class T>
void add(std::vector<FieldChange>& out, std::string field, const T& before, const T& after) {
  if (before == after) return;
  std::string old_text = shortened(without_secrets(text_of(field, before)));
  std::string new_text = shortened(without_secrets(text_of(field, after)));
  out.push_back({std::move(field), std::move(old_text), std::move(new_text)});
}

template <class T>
void add(std::vector<FieldChange>& out, std::string field, const std::map<std::string, T>& before,
         const std::map<std::string, T>& after) {
  std::string words;
  const auto word = [&](char sign, const std::string& name) {
    words += (words.empty() ? "" : " ") + std::string(1, sign) + name;
  };
  for (const auto& [name, value] : after) {
    const auto old = before.find(name);
    if (old == before.end())
      word('+', name);
    else if (!(old->second == value))
      word('~', name);
  }
  for (const auto& [name, value] : before)
    if (!after.contains(name)) word('-', name);
  if (!words.empty()) out.push_back({std::move(field), {}, std::move(words)});
}

template <Record T>
void add(std::vector<FieldChange>& out, std::string field, const std::optional<T>& before,
         const std::optional<T>& after);

template <Record T>
void add_fields(std::vector<FieldChange>& out, const std::string& prefix, const T& before,
                const T& after) {
  std::apply(
      [&](const auto&... field) {
        (add(out, prefix + std::string(field.name), before.*(field.member), after.*(field.member)),
         ...);
      },
      T::fields());
}

template <Record T>
void add(std::vector<FieldChange>& out, std::string field, const std::optional<T>& before,
         const std::optional<T>& after) {
  if (before == after) return;
  if (before && after) return add_fields(out, field + ".", *before, *after);
  out.push_back({std::move(field), before ? "set" : "none", after ? "set" : "none"});
}

// Where a secret comes from is none.
bool is_masked(std::string_view field, std::string_view name) {
  return field != "env_from" && is_secret_name(name);
}

template <class T>
void tell(std::vector<FieldValue>& out, const std::string& field, const T& value,
          const T& fallback) {
  out.push_back({field, without_secrets(text_of(field, value)), value == fallback});
}

template <class T>
void tell(std::vector<FieldValue>& out, const std::string& field,
          const std::map<std::string, T>& values, const std::map<std::string, T>& /*fallback*/) {
  for (const auto& [name, value] : values) {
    std::string text = text_of(field, value);
    if constexpr (std::is_same_v<T, std::string>)
      if (value.empty()) text = R"("")";
    out.push_back({field + "." + name,
                   is_masked(field, name) ? std::string(kMask) : without_url_passwords(text),
                   false});
  }
}

template <Record T>
void tell(std::vector<FieldValue>& out, const std::string& field, const std::optional<T>& value,
          const std::optional<T>& fallback);

template <Record T>
void tell_fields(std::vector<FieldValue>& out, const std::string& prefix, const T& values,
                 const T& fallback) {
  std::apply(
      [&](const auto&... field) {
        (tell(out, prefix + std::string(field.name), values.*(field.member),
              fallback.*(field.member)),
         ...);
      },
      T::fields());
}

template <Record T>
void tell(std::vector<FieldValue>& out, const std::string& field, const std::optional<T>& value,
          const std::optional<T>& /*fallback*/) {
  if (value) return tell_fields(out, field + ".", *value, T{});
  out.push_back({field, "none", true});
}

// One field of a file makes several of a spec, or one of another name.
void use_names_of_files(const AppSpec& spec, std::vector<FieldValue>& values) {
  std::erase_if(values, [](const FieldValue& one) {
    return one.field == kInherited || one.field == "exec_kind" || one.field == "watch_paths" ||
           one.field == "max_restarts_within" || one.field == "health.target";
  });
  for (FieldValue& one : values) {
    if (one.field == "job") {
      one = {"type", spec.job ? "job" : "service", !spec.job};
    } else if (one.field == "job_timeout") {
      one.field = "timeout";
    } else if (one.field == "watch" && spec.watch && !spec.watch_paths.empty()) {
      one.value = text_of(one.field, spec.watch_paths);
    } else if (one.field == "max_restarts" && spec.max_restarts_within > 0s) {
      one.value += "/" + in_words(spec.max_restarts_within);
    } else if (one.field == "health.kind") {
      one = {"health." + one.value, without_secrets(spec.health->target), false};
    }
  }
}

}  // namespace

std::vector<FieldValue> field_values(const AppSpec& spec) {
  std::vector<FieldValue> values;
  tell_fields(values, {}, spec, AppSpec{});
  use_names_of_files(spec, values);
  return values;
}

namespace {
// RFC 9110, 11.1: what stands before the secret in "Authorization: Bearer secret".
bool is_scheme(std::string_view word) {
  return word == "Bearer" || word == "Basic" || word == "Token" || word == "bearer" ||
         word == "basic" || word == "token";
}
}  // namespace

std::string without_secrets(std::string_view text) {
  std::string out;
  bool next = false;  // the word before was an option or a header whose value this is
  while (!text.empty()) {
    const auto begin = std::min(text.find_first_not_of(' '), text.size());
    out += text.substr(0, begin);
    text.remove_prefix(begin);
    const auto size = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, size);
    const auto equals = word.find('=');
    const bool secret = is_secret_name(word.substr(0, equals));
    text.remove_prefix(size);
    if (next && is_scheme(word)) {
      out += word;
      continue;
    }
    if (next && !word.empty())
      out += kMask;
    else if (secret && equals != word.npos)
      out.append(without_url_passwords(word.substr(0, equals + 1))).append(kMask);
    else
      out += without_url_passwords(word);
    next = !next && secret && equals == word.npos && (word.starts_with('-') || word.ends_with(':'));
  }
  return out;
}

std::string command_without_secrets(const std::vector<std::string_view>& words) {
  std::string out;
  bool next = false;  // the word before was an option whose value this is
  for (const std::string_view word : words) {
    const auto equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const bool secret = is_secret_name(name) && name.find(' ') == name.npos;
    out += out.empty() ? "" : " ";
    if (next)
      out += kMask;
    else if (secret && equals != word.npos)
      out += quoted_word(std::string(name) + "=") + std::string(kMask);
    else
      out += quoted_word(without_secrets(word));
    next = !next && secret && equals == word.npos && word.starts_with('-');
  }
  return out;
}

AppSpec in_shell_of(const AppSpec& before, AppSpec after) {
  const auto names_it = [](const AppSpec& spec, std::string_view name) {
    return std::find(spec.inherited.begin(), spec.inherited.end(), name) != spec.inherited.end();
  };
  const auto inherits = [&names_it](const AppSpec& spec, const std::string& name) {
    const bool not_there = name.starts_with("LC_") && !spec.env.contains(name);
    return names_it(spec, name) || (not_there && names_it(spec, kAllOfLocale));
  };
  const auto base = [](std::string_view path) { return path.substr(path.rfind('/') + 1); };
  for (const auto& [field, member] :
       {std::pair{kInterpreterByPath, &AppSpec::interpreter}, {kScriptByPath, &AppSpec::script}})
    if (names_it(before, field) && names_it(after, field) &&
        base(before.*member) == base(after.*member))
      after.*member = before.*member;
  std::set<std::string> names(before.inherited.begin(), before.inherited.end());
  names.insert(after.inherited.begin(), after.inherited.end());
  for (const std::string& name : names) {
    if (!inherits(before, name) || !inherits(after, name)) continue;
    const auto old = before.env.find(name);
    if (old != before.env.end())
      after.env[name] = old->second;
    else
      after.env.erase(name);
    if (!names_it(after, name)) after.inherited.push_back(name);
  }
  std::sort(after.inherited.begin(), after.inherited.end());
  return after;
}

std::vector<FieldChange> diff(const AppSpec& before, const AppSpec& after) {
  std::vector<FieldChange> changes;
  add_fields(changes, {}, before, after);
  std::erase_if(changes, [](const FieldChange& one) { return one.field == kInherited; });
  return changes;
}

std::string in_words(const std::vector<FieldChange>& changes) {
  std::string out;
  for (const FieldChange& change : changes) {
    out += (out.empty() ? "" : ", ") + change.field + " ";
    out += change.before.empty() ? change.after : change.before + "→" + change.after;
  }
  return out;
}

// Asked for every variable of every app in a long list.
bool is_secret_name(std::string_view name) {
  static constexpr std::array<std::string_view, 13> kParts{
      "TOKEN", "SECRET",  "PASS", "KEY", "CREDENTIAL", "AUTH",   "PWD_",
      "_PWD",  "PRIVATE", "DSN",  "JWT", "WEBHOOK",    "COOKIE",
  };
  const auto is_at = [name](std::size_t at, std::string_view part) {
    return name.size() - at >= part.size() &&
           std::equal(part.begin(), part.end(), name.begin() + static_cast<std::ptrdiff_t>(at),
                      [](char wanted, char c) { return wanted == upper(c); });
  };
  for (std::size_t at = 0; at < name.size(); ++at)
    if (std::any_of(kParts.begin(), kParts.end(), [&](auto part) { return is_at(at, part); }))
      return true;
  constexpr std::string_view kPat = "PAT";  // a personal access token; PATH is none
  const std::size_t end = name.size() - std::min(name.size(), kPat.size());
  return is_at(end, kPat) && (end == 0 || name[end - 1] == '_');
}

// RFC 3986, 3.2.1: what stands before "@" in the authority, and behind the first colon there; also
// with a "/" in it, which should have been escaped.
std::string without_url_passwords(std::string_view text) {
  constexpr std::string_view kBegin = "://";
  std::string out;
  for (auto at = text.find(kBegin); at != text.npos; at = text.find(kBegin)) {
    out += text.substr(0, at + kBegin.size());
    text.remove_prefix(at + kBegin.size());
    const std::string_view word = text.substr(0, text.find_first_of(" \t\n\"'"));
    std::string_view authority = word.substr(0, word.find_first_of("/?#"));
    const auto colon = authority.substr(0, authority.rfind('@')).find(':');
    if (colon == authority.npos) continue;
    const std::string_view behind = authority.substr(colon + 1);
    const bool is_port = behind.find_first_not_of("0123456789") == behind.npos;
    if (authority.find('@') == authority.npos && !is_port) authority = word;  // not escaped
    const auto end = authority.rfind('@');
    if (end == authority.npos) continue;
    out.append(text.substr(0, colon + 1)).append(kMask);
    text.remove_prefix(end);
  }
  return out.append(text);
}

std::string shown_value(std::string_view name, std::string_view value) {
  return is_secret_name(name) ? std::string(kMask) : without_url_passwords(value);
}

AppSpec masked(AppSpec spec) {
  for (auto& [name, value] : spec.env)
    value = shown_value(name, value);
  for (auto& [name, value] : spec.labels)
    value = without_url_passwords(value);
  spec.stop_command = without_secrets(spec.stop_command);
  if (spec.health) spec.health->target = without_secrets(spec.health->target);
  return spec;
}

}  // namespace roost::model
