#include "config/document.h"

#include <algorithm>

#include "config/readers.h"
#include "core/base/json_writer.h"
#include "core/base/utf8.h"

namespace roost::config {
namespace {

void write_json(JsonWriter& out, const Value& value) {
  switch (value.kind) {
    case Value::Kind::null:
      return out.null();
    case Value::Kind::boolean:
      return out.boolean(value.boolean);
    case Value::Kind::integer:
      return out.integer(value.integer);
    case Value::Kind::real:
      return out.number(value.real);
    case Value::Kind::string:
      return out.string(value.string);
    case Value::Kind::array:
      out.begin_array();
      for (const Value& item : value.items)
        write_json(out, item);
      return out.end_array();
    case Value::Kind::object:
      out.begin_object();
      for (const Member& member : value.members) {
        out.key(member.key);
        write_json(out, member.value);
      }
      return out.end_object();
  }
}

std::string_view line_of(std::string_view text, std::uint32_t number) {
  for (std::uint32_t line = 1; line < number; ++line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// "   4 |   instanses = 2\n     |   ^"; lines that are too long, or binary, are not shown.
std::string excerpt(const Document& document, Place at) {
  constexpr std::size_t kLongest = 120;
  const std::string_view line = line_of(document.text, at.line);
  const bool plain = std::none_of(line.begin(), line.end(), [](char c) {
    return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f';
  });
  if (line.empty() || line.size() > kLongest || !plain) return {};
  const std::string number = std::to_string(at.line);
  std::string pointer;
  for (const char c : line.substr(0, at.column > 0 ? at.column - 1 : 0))
    if ((static_cast<unsigned char>(c) & 0xc0U) != 0x80U) pointer += c == '\t' ? '\t' : ' ';
  return "\n  " + number + " | " + std::string(line) + "\n  " + std::string(number.size(), ' ') +
         " | " + pointer + "^";
}

std::string shown(const Document& document, const Problem& problem) {
  std::string text = document.path + ":";
  if (problem.at.line > 0)
    text += std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column) + ":";
  text += " " + problem.message;
  if (!problem.hint.empty()) text += " (" + problem.hint + ")";
  if (problem.at.line > 0) text += excerpt(document, problem.at);
  return text;
}

}  // namespace

Value::Value() = default;
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

const Value* Value::find(std::string_view key) const {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [key](const Member& member) { return member.key == key; });
  return found == members.end() ? nullptr : &found->value;
}

std::string_view to_string(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::null:
      return "null";
    case Value::Kind::boolean:
      return "true or false";
    case Value::Kind::integer:
    case Value::Kind::real:
      return "a number";
    case Value::Kind::string:
      return "a text";
    case Value::Kind::array:
      return "a list";
    case Value::Kind::object:
      return "a table";
  }
  return {};
}

namespace {
// No exponent, no other base, no separators.
bool is_decimal(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789.") == text.npos;
}
}  // namespace

std::string text_of(const Value& value) {
  const bool is_number = value.kind == Value::Kind::integer || value.kind == Value::Kind::real;
  if (value.kind == Value::Kind::string || (is_number && is_decimal(value.string)))
    return value.string;
  std::string text;
  JsonWriter writer(text);
  write_json(writer, value);
  return text;
}

Result<Document> parse_document(std::string path, std::string text, Format format) {
  Document document{std::move(path), std::move(text), {}};
  if (document.text.size() > kMaxConfigBytes)
    return Error{Errc::invalid,
                 document.path + ": more than " + std::to_string(kMaxConfigBytes) + " bytes",
                 {}};
  if (!is_utf8(document.text) || document.text.find('\0') != std::string::npos)
    return Error{Errc::invalid, document.path + ": is no text in UTF-8", {}};
  const auto problem = format == Format::json   ? read_json(document)
                       : format == Format::yaml ? read_yaml(document)
                                                : read_toml(document);
  if (!problem) return document;
  Error error = to_error(document, {*problem});
  error.code = problem->code;
  return error;
}

Error to_error(const Document& document, std::vector<Problem> problems) {
  constexpr std::size_t kMostShown = 20;
  std::stable_sort(problems.begin(), problems.end(),
                   [](const Problem& a, const Problem& b) { return a.at.line < b.at.line; });
  Error error{Errc::invalid, {}, {}};
  for (std::size_t i = 0; i < std::min(problems.size(), kMostShown); ++i)
    error.message += (i == 0 ? "" : "\n") + shown(document, problems[i]);
  if (problems.size() > kMostShown)
    error.message += "\nand " + std::to_string(problems.size() - kMostShown) + " more";
  return error;
}

}  // namespace roost::config
