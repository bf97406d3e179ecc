// YAML by yaml-cpp, which leaves to us: the types of plain scalars (YAML 1.2 core schema), merge
// keys, duplicate keys, and a limit for aliases that multiply.
#include <charconv>

#include <yaml-cpp/yaml.h>

#include "config/readers.h"
#include "core/base/lazy_statics.h"

ROOST_INITIALISERS(roost_yaml_init)

namespace roost::config {
namespace {

constexpr int kMaxDepth = 64;

Place place_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

template <class T>
bool parse_number(std::string_view text, T& out) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

// A marker at the beginning of a line, behind some content. Not by LoadAll(), which finds documents
// without end in ",&,".
bool has_several(std::string_view text) {
  bool content = false;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const bool marker =
        line.starts_with("---") && (line.size() == 3 || line[3] == ' ' || line[3] == '\r');
    if (marker && content) return true;
    const auto first = line.find_first_not_of(" \t\r");
    if (!marker && first != std::string_view::npos && line[first] != '#' && line[first] != '%')
      content = true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

class Converter {
 public:
  std::optional<Problem> problem;

  Value convert(const YAML::Node& node, int depth) {
    Value value;
    value.at = place_of(node.Mark());
    if (++count_ > kMaxConfigValues || depth > kMaxDepth) {
      fail(value.at, "too many values, or nested too deep");
      return value;
    }
    if (node.IsScalar()) scalar(node, value);
    if (node.IsSequence()) {
      value.kind = Value::Kind::array;
      for (std::size_t i = 0; i < node.size() && !problem; ++i)
        value.items.push_back(convert(node[i], depth + 1));
    }
    if (node.IsMap()) map(node, value, depth);
    return value;
  }

 private:
  void fail(Place at, std::string message) {
    if (!problem) problem = Problem{at, std::move(message), {}};
  }

  static void scalar(const YAML::Node& node, Value& value) {
    const std::string& text = node.Scalar();
    value.kind = Value::Kind::string;
    value.string = text;
    if (node.Tag() == "!") return;  // quoted
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
      value.kind = Value::Kind::null;
    } else if (text == "true" || text == "True" || text == "TRUE" || text == "false" ||
               text == "False" || text == "FALSE") {
      value.kind = Value::Kind::boolean;
      value.boolean = text.front() == 't' || text.front() == 'T';
    } else if (parse_number(text, value.integer)) {
      value.kind = Value::Kind::integer;
    } else if (text.find_first_of("0123456789") != std::string::npos &&
               parse_number(text, value.real)) {
      value.kind = Value::Kind::real;
    }
  }

  void map(const YAML::Node& node, Value& value, int depth) {
    value.kind = Value::Kind::object;
    std::vector<YAML::Node> merged;
    for (const auto& pair : node) {
      if (problem) return;
      const Place at = place_of(pair.first.Mark());
      if (!pair.first.IsScalar()) return fail(at, "a key must be a word");
      const std::string& key = pair.first.Scalar();
      if (key == "<<" && pair.second.IsSequence())
        for (std::size_t i = 0; i < pair.second.size(); ++i)
          merged.push_back(pair.second[i]);
      else if (key == "<<")
        merged.push_back(pair.second);
      else if (value.find(key) != nullptr)
        return fail(at, "'" + key + "' stands here twice");
      else
        value.members.push_back({key, at, convert(pair.second, depth + 1)});
    }
    for (const YAML::Node& source : merged)
      merge(source, value, depth);
  }

  // What stands in the map itself, or in an earlier source, wins.
  void merge(const YAML::Node& source, Value& value, int depth) {
    if (!source.IsMap())
      return fail(place_of(source.Mark()), "'<<' must name a map, or a list of maps");
    Value more = convert(source, depth + 1);
    for (Member& member : more.members)
      if (value.find(member.key) == nullptr) value.members.push_back(std::move(member));
  }

  std::size_t count_ = 0;
};

}  // namespace

std::optional<Problem> read_yaml(Document& document) {
  [[maybe_unused]] static const bool once =
      (run_initialisers(__start_roost_yaml_init, __stop_roost_yaml_init), true);
  try {
    if (has_several(document.text)) return Problem{{}, "holds several documents", "keep one"};
    Converter converter;
    document.root = converter.convert(YAML::Load(document.text), 0);
    return converter.problem;
  } catch (const YAML::Exception& error) {
    return Problem{place_of(error.mark), error.msg, {}};
  }
}

}  // namespace roost::config
