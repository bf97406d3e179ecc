#include "config/expand.h"

#include <algorithm>

namespace roost::config {
namespace {

constexpr int kMaxDepth = 16;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_name(std::string_view text) {
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') &&
         std::all_of(text.begin(), text.end(), is_name_char);
}

class Expander {
 public:
  Expander(const Lookup& lookup, Dollars dollars) : lookup_(lookup), dollars_(dollars) {}

  Result<std::string> expand(std::string_view text, int depth) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const std::string_view rest = text.substr(at);
      if (dollars_ == Dollars::escaped && rest.starts_with("$$")) {
        out += '$';
        at += 2;
      } else if (rest.starts_with("${")) {
        const std::size_t end = end_of_expression(rest);
        if (end == std::string_view::npos) return fault("'${' has no '}'");
        auto value = value_of(rest.substr(2, end - 2), depth);
        if (!value) return value;
        out += *value;
        if (out.size() > kMaxConfigBytes) return fault("is too long with its variables");
        at += end + 1;
      } else {
        out += text[at++];
      }
    }
    return out;
  }

 private:
  // Of the brace that closes "${…", those inside counted.
  static std::size_t end_of_expression(std::string_view text) {
    int open = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text.substr(at).starts_with("${")) ++open;
      if (text[at] == '}' && --open == 0) return at;
    }
    return std::string_view::npos;
  }

  [[nodiscard]] Error fault(std::string message) const {
    return {Errc::invalid, std::move(message),
            dollars_ == Dollars::escaped ? "write $${ for ${ itself"
                                         : "in single quotes ${ is just text"};
  }

  Result<std::string> value_of(std::string_view expression, int depth) {
    const auto size = static_cast<std::size_t>(
        std::find_if_not(expression.begin(), expression.end(), is_name_char) - expression.begin());
    const std::string name(expression.substr(0, size));
    const std::string_view rest = expression.substr(size);
    if (!is_name(name) || (!rest.empty() && !rest.starts_with(":-") && !rest.starts_with('-')))
      return fault("'${" + std::string(expression) + "}' is no variable");
    if (depth > kMaxDepth) return fault("nests too many variables");
    const std::optional<std::string> value = lookup_(name);
    if (value && !(value->empty() && rest.starts_with(":-"))) return *value;
    if (!rest.empty()) return expand(rest.substr(rest.starts_with(':') ? 2 : 1), depth + 1);
    return Error{Errc::invalid, "variable '" + name + "' is not set",
                 "set it, or give a default: ${" + name + ":-text}"};
  }

  const Lookup& lookup_;
  Dollars dollars_;
};

void expand_value(Value& value, const Lookup& lookup, std::vector<Problem>& problems) {
  if (value.kind == Value::Kind::string && value.string.find('$') != std::string::npos) {
    auto text = expand(value.string, lookup, Dollars::escaped);
    if (text)
      value.string = std::move(*text);
    else
      problems.push_back({value.at, text.error().message, text.error().hint});
  }
  for (Value& item : value.items)
    expand_value(item, lookup, problems);
  for (Member& member : value.members)
    expand_value(member.value, lookup, problems);
}

}  // namespace

Result<std::string> expand(std::string_view text, const Lookup& lookup, Dollars dollars) {
  return Expander(lookup, dollars).expand(text, 0);
}

std::vector<Problem> expand_texts(Document& document, const Variables& variables) {
  std::vector<Problem> problems;
  const Lookup lookup = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  expand_value(document.root, lookup, problems);
  return problems;
}

}  // namespace roost::config
