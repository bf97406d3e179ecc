#include "config/dotenv.h"

#include <algorithm>
#include <initializer_list>

#include "core/base/utf8.h"

namespace roost::config {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

// For excerpts in messages: values may be secret.
Document without_values(Document document) {
  bool value = false;
  for (char& c : document.text) {
    if (c == '\n')
      value = false;
    else if (value)
      c = '*';
    else
      value = c == '=';
  }
  return document;
}

class Reader {
 public:
  Reader(const Document& document, const Variables& outer)
      : text_(document.text), document_(document), outer_(outer) {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
  }

  Result<Variables> read() {
    while (at_ < text_.size()) {
      skip_blanks();
      if (!at_end_of_line() && text_[at_] != '#') assignment();
      skip_line();
    }
    if (!problems_.empty()) return to_error(without_values(document_), problems_);
    return std::move(variables_);
  }

 private:
  [[nodiscard]] bool at_end_of_line() const { return at_ >= text_.size() || text_[at_] == '\n'; }

  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_]))
      ++at_;
  }

  void skip_line() { at_ = std::min(text_.find('\n', at_), text_.size() - 1) + 1; }

  [[nodiscard]] Place place_of(std::size_t at) const {
    const std::string_view before = text_.substr(0, at);
    const auto line_start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
    return {static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n') + 1),
            static_cast<std::uint32_t>(at - line_start + 1)};
  }

  void fault(std::size_t at, std::string message, std::string hint = {}) {
    problems_.push_back({place_of(at), std::move(message), std::move(hint)});
  }

  void assignment() {
    if (text_.substr(at_).starts_with("export ") || text_.substr(at_).starts_with("export\t")) {
      at_ += 7;
      skip_blanks();
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name_char(text_[at_]))
      ++at_;
    const std::string name(text_.substr(begin, at_ - begin));
    skip_blanks();
    if (name.empty() || (name.front() >= '0' && name.front() <= '9'))
      return fault(begin, "expected NAME=VALUE");
    if (at_end_of_line() || text_[at_] == '#') return take_from_outer(name);
    if (text_[at_] != '=' && text_[at_] != ':')
      return fault(at_, "expected '=' behind '" + name + "'", "a name has no blanks");
    ++at_;
    skip_blanks();
    const std::size_t value_at = at_;
    auto value = read_value();
    if (value) variables_[name] = std::move(*value);
    if (!value) fault(value_at, value.error().message, value.error().hint);
  }

  void take_from_outer(const std::string& name) {
    if (const auto found = outer_.find(name); found != outer_.end())
      variables_[name] = found->second;
  }

  Result<std::string> read_value() {
    if (at_end_of_line()) return std::string();
    if (text_[at_] == '\'' || text_[at_] == '"') return quoted(text_[at_]);
    return plain();
  }

  Result<std::string> plain() {
    const std::size_t begin = at_;
    while (!at_end_of_line() && !(text_[at_] == '#' && (at_ == begin || is_blank(text_[at_ - 1]))))
      ++at_;
    std::string_view value = text_.substr(begin, at_ - begin);
    while (!value.empty() && is_blank(value.back()))
      value.remove_suffix(1);
    return expanded(value);
  }

  Result<std::string> quoted(char quote) {
    const std::size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != quote)
      at_ += text_[at_] == '\\' && (quote == '"' || text_.substr(at_).starts_with("\\'")) ? 2 : 1;
    if (at_ >= text_.size()) {
      return Error{Errc::invalid, std::string("the quote ") + quote + " is not closed", {}};
    }
    const std::string_view inner = text_.substr(begin, at_++ - begin);
    skip_blanks();
    if (!at_end_of_line() && text_[at_] != '#')
      return Error{Errc::invalid, "there is more behind the closing quote",
                   "put all of the value into the quotes"};
    return quote == '"' ? double_quoted(inner) : Result<std::string>(single_quoted(inner));
  }

  static std::string single_quoted(std::string_view inner) {
    std::string out;
    for (std::size_t i = 0; i < inner.size(); ++i)
      if (!inner.substr(i).starts_with("\\'")) out += inner[i];
    return out;
  }

  // Cut at the escapes, so that what they give is not expanded.
  Result<std::string> double_quoted(std::string_view inner) {
    std::string out;
    std::string part;
    for (std::size_t i = 0; i < inner.size(); ++i) {
      if (inner[i] != '\\' || i + 1 == inner.size()) {
        part += inner[i];
        continue;
      }
      auto value = expanded(part);
      if (!value) return value;
      part.clear();
      out += *value + escape(inner[++i]);
    }
    auto value = expanded(part);
    if (!value) return value;
    return out + *value;
  }

  static std::string escape(char c) {
    switch (c) {
      case 'n':
        return "\n";
      case 'r':
        return "\r";
      case 't':
        return "\t";
      case '"':
      case '\\':
      case '$':
        return {c};
      default:
        return {'\\', c};
    }
  }

  Result<std::string> expanded(std::string_view text) {
    const Lookup lookup = [this](const std::string& name) -> std::optional<std::string> {
      for (const Variables* variables :
           std::initializer_list<const Variables*>{&variables_, &outer_})
        if (const auto found = variables->find(name); found != variables->end())
          return found->second;
      return std::nullopt;
    };
    return expand(text, lookup, Dollars::kept);
  }

  std::string_view text_;
  const Document& document_;
  const Variables& outer_;
  std::size_t at_ = 0;
  Variables variables_;
  std::vector<Problem> problems_;
};

}  // namespace

Result<Variables> parse_dotenv(const std::string& path, std::string text, const Variables& outer) {
  if (!is_utf8(text) || text.find('\0') != std::string::npos)
    return Error{Errc::invalid, path + ": is no text in UTF-8", {}};
  const Document document{path, std::move(text), {}};
  return Reader(document, outer).read();
}

}  // namespace roost::config
