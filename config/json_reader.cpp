// JSON by the parser of core/base, after a pass that turns comments and trailing commas into
// blanks, so that offsets stay what they are in the file.
#include <algorithm>
#include <charconv>

#include "config/readers.h"
#include "core/base/json.h"

namespace roost::config {
namespace {

constexpr JsonLimits kLimits{64, kMaxConfigBytes, kMaxConfigValues};

// The end of a string that begins at `at`, behind its closing quote.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return std::min(at + 1, text.size());
}

// The end of a comment that begins at `at`, or `at` when none does.
std::size_t end_of_comment(std::string_view text, std::size_t at) {
  if (text.substr(at).starts_with("//")) return std::min(text.find('\n', at), text.size());
  if (!text.substr(at).starts_with("/*")) return at;
  const auto end = text.find("*/", at + 2);
  return end == std::string_view::npos ? text.size() : end + 2;
}

std::string strict(std::string_view text) {
  std::string out(text);
  if (out.starts_with("\xef\xbb\xbf")) std::fill_n(out.begin(), 3, ' ');
  std::size_t comma = std::string::npos;  // the last one that nothing has followed yet
  for (std::size_t at = 0; at < out.size();) {
    if (const auto end = end_of_comment(out, at); end != at) {
      for (; at < end; ++at)
        if (out[at] != '\n') out[at] = ' ';
      continue;
    }
    const char c = out[at];
    if ((c == '}' || c == ']') && comma != std::string::npos) out[comma] = ' ';
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') comma = c == ',' ? at : std::string::npos;
    at = c == '"' ? end_of_string(out, at) : at + 1;
  }
  return out;
}

class Converter {
 public:
  explicit Converter(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at)
      if (text[at] == '\n') lines_.push_back(at + 1);
  }

  Value convert(JsonRef json, Place at) const {
    Value value;
    value.at = at;
    if (const auto text = json.as_string()) {
      value.kind = Value::Kind::string;
      value.string = *text;
    } else if (const auto truth = json.as_bool()) {
      value.kind = Value::Kind::boolean;
      value.boolean = *truth;
    } else if (const auto integer = json.as_int64()) {
      value.kind = Value::Kind::integer;
      value.integer = *integer;
    } else if (const auto real = json.as_double()) {
      value.kind = Value::Kind::real;
      value.real = *real;
    } else if (json.type() == JsonType::array) {
      value.kind = Value::Kind::array;
      json.for_each([&](JsonRef item) { value.items.push_back(convert(item, place(item, at))); });
    } else if (json.type() == JsonType::object) {
      value.kind = Value::Kind::object;
      json.for_each([&](JsonRef member) {
        const Place key = place(member.key_offset());
        value.members.push_back({std::string(member.key()), key, convert(member, key)});
      });
    }
    return value;
  }

 private:
  // Of a value: the parser keeps the places of strings and keys only; what has neither is near its
  // parent or its first member.
  [[nodiscard]] Place place(JsonRef json, Place parent) const {
    if (const auto offset = json.string_offset()) return place(*offset);
    if (json.type() == JsonType::object && json.size() > 0) return place(json.first().key_offset());
    return parent;
  }

  // An offset behind the opening quote.
  [[nodiscard]] Place place(std::size_t offset) const {
    const auto next = std::upper_bound(lines_.begin(), lines_.end(), offset);
    const std::size_t line = static_cast<std::size_t>(next - lines_.begin());
    const std::size_t column = offset - lines_[line - 1];
    return {static_cast<std::uint32_t>(line),
            static_cast<std::uint32_t>(std::max<std::size_t>(column, 1))};
  }

  std::vector<std::size_t> lines_{0};  // where they begin
};

// "line 3, column 7: expected …" of the parser.
Problem problem_of(std::string_view message) {
  Problem problem{{}, std::string(message), {}};
  const auto number = [&](std::string_view word, std::uint32_t& out) {
    if (!message.starts_with(word)) return false;
    message.remove_prefix(word.size());
    const auto [end, error] = std::from_chars(message.data(), message.data() + message.size(), out);
    message.remove_prefix(static_cast<std::size_t>(end - message.data()));
    return error == std::errc{};
  };
  Place at;
  if (number("line ", at.line) && number(", column ", at.column) && message.starts_with(": "))
    problem = {at, std::string(message.substr(2)), {}};
  return problem;
}

}  // namespace

std::optional<Problem> read_json(Document& document) {
  const auto json = parse_json(strict(document.text), kLimits);
  if (!json) {
    Problem problem = problem_of(json.error().message);
    problem.code = json.error().code;
    return problem;
  }
  document.root = Converter(document.text).convert(json->root(), {1, 1});
  return std::nullopt;
}

}  // namespace roost::config
