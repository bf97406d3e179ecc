#include "config/schema.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "config/ecosystem.h"
#include "core/base/json_writer.h"

namespace roost::config {
namespace {

using Kind = Value::Kind;

// A number or truth in a text; or whatever the variable holds, see expand.h.
constexpr std::string_view kVariable =
    R"({"type":"string","pattern":"^(-?[0-9]+|true|false|yes|no)$|\\$\\{"})";
constexpr std::string_view kDuration =
    R"({"type":"string","pattern":"^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)?$|\\$\\{"})";
constexpr std::string_view kCountInTime =
    R"({"type":"string","pattern":"^[0-9]+(/[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)?)?$|\\$\\{"})";
constexpr std::string_view kIntegers =
    R"({"type":"string","pattern":"^[0-9]+([ ,]+[0-9]+)*$|\\$\\{"})";
constexpr std::string_view kOneOf = "must be one of ";

Value of_kind(Kind kind) {
  Value value;
  value.kind = kind;
  return value;
}

Value text(std::string_view string) {
  Value value = of_kind(Kind::string);
  value.string = string;
  return value;
}

Value integer(std::int64_t number) {
  Value value = of_kind(Kind::integer);
  value.integer = number;
  return value;
}

Value list_of(Value item) {
  Value value = of_kind(Kind::array);
  value.items.push_back(std::move(item));
  return value;
}

// What is wrong with the value; nothing when the field takes it.
std::optional<std::string> complaint(const Field& field, const Value& value) {
  AppConfig app;
  return field.set(value, app);
}

bool takes(const Field& field, const Value& value) {
  return !complaint(field, value);
}

std::string quoted(std::string_view string) {
  std::string out;
  JsonWriter writer(out);
  writer.string(string);
  return out;
}

// "always, on-failure, never" as an enum.
std::string names_in(std::string_view names) {
  std::string out;
  while (!names.empty()) {
    const auto size = std::min(names.find(", "), names.size());
    out += (out.empty() ? "" : ",") + quoted(names.substr(0, size));
    names.remove_prefix(std::min(size + 2, names.size()));
  }
  return R"({"enum":[)" + out + "]}";
}

void add_text_types(const Field& field, std::vector<std::string>& types) {
  const auto wrong = complaint(field, text("x"));
  if (!wrong)
    types.emplace_back(R"({"type":"string"})");
  else if (takes(field, text("10s")))
    types.emplace_back(kDuration);
  else if (takes(field, text("5/10m")))
    types.emplace_back(kCountInTime);
  else if (takes(field, text("0 3")))
    types.emplace_back(kIntegers);
  else if (wrong->starts_with(kOneOf))
    types.push_back(names_in(wrong->substr(kOneOf.size())));
  else if (takes(field, text("max")))
    types.emplace_back(R"({"enum":["max"]})");
}

std::vector<std::string> types_of(const Field& field) {
  std::vector<std::string> types;
  Value truth = of_kind(Kind::boolean);
  Value real = of_kind(Kind::real);
  truth.boolean = true;
  real.real = 1.5;
  add_text_types(field, types);
  if (takes(field, truth)) types.emplace_back(R"({"type":"boolean"})");
  if (takes(field, real))
    types.emplace_back(R"({"type":"number"})");
  else if (takes(field, integer(1)))
    types.emplace_back(takes(field, integer(-1)) ? R"({"type":"integer"})"
                                                 : R"({"type":"integer","minimum":0})");
  if (takes(field, list_of(text("x"))) || takes(field, list_of(text("A=cmd:x"))))
    types.emplace_back(R"({"type":"array"})");
  else if (takes(field, list_of(integer(1))))
    types.emplace_back(R"({"type":"array","items":{"type":["integer","string"]}})");
  if (takes(field, of_kind(Kind::object))) types.emplace_back(R"({"type":"object"})");
  const bool any_text = !types.empty() && types.front() == R"({"type":"string"})";
  if (!types.empty() && !any_text && types.front() != kDuration) types.emplace_back(kVariable);
  return types;
}

std::string schema_of(const Field& field) {
  if (field.set == nullptr) return R"({"description":"of PM2; without effect"})";
  const auto types = types_of(field);
  std::string out = R"({"description":)" + quoted(field.doc);
  if (types.size() == 1) return out + "," + types.front().substr(1);
  if (types.empty()) return out + "}";
  out += R"(,"anyOf":[)";
  for (std::size_t i = 0; i < types.size(); ++i)
    out += (i == 0 ? "" : ",") + types[i];
  return out + R"(,{"type":"null"}]})";
}

std::string camel_case(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '_' && i + 1 < name.size())
      out += static_cast<char>(name[++i] >= 'a' ? name[i] - 'a' + 'A' : name[i]);
    else
      out += name[i];
  }
  return out;
}

std::vector<std::string> names_of(const Field& field) {
  std::vector<std::string> names{std::string(field.name)};
  for (std::string_view rest = field.aliases; !rest.empty();) {
    const auto size = std::min(rest.find(' '), rest.size());
    names.emplace_back(rest.substr(0, size));
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
  for (std::size_t i = 0, plain = names.size(); i < plain; ++i)
    if (const std::string camel = camel_case(names[i]);
        std::find(names.begin(), names.end(), camel) == names.end())
      names.push_back(camel);
  return names;
}

std::string properties() {
  std::string out;
  for (const Field& field : all_fields()) {
    const auto names = names_of(field);
    for (const std::string& name : names) {
      out += (out.empty() ? "" : ",\n") + std::string("        ") + quoted(name) + ": ";
      out += &name == &names.front()
                 ? schema_of(field)
                 : R"({"$ref":"#/definitions/app/properties/)" + names.front() + "\"}";
    }
  }
  return out;
}

std::string ways_to_name_the_script() {
  std::string out;
  for (const std::string& name : names_of(*find_field("script")))
    out += (out.empty() ? "" : ",") + std::string(R"x({"required":[)x") + quoted(name) + "]}";
  return out;
}

}  // namespace

std::string json_schema() {
  return R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Apps for roost",
  "$comment": "Generated by roost_schema from the table of fields (config/fields.cpp).",
  "anyOf": [
    {"$ref": "#/definitions/app"},
    {"$ref": "#/definitions/apps"},
    {
      "type": "object",
      "required": ["apps"],
      "properties": {
        "apps": {"anyOf": [{"$ref": "#/definitions/app"}, {"$ref": "#/definitions/apps"}]}
      }
    }
  ],
  "definitions": {
    "apps": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/app"}},
    "app": {
      "type": "object",
      "anyOf": [)json" +
         ways_to_name_the_script() + R"json(],
      "additionalProperties": false,
      "patternProperties": {"^env_(?!file$)": {"type": ["object", "null"]}},
      "properties": {
)json" + properties() +
         R"json(
      }
    }
  }
}
)json";
}

}  // namespace roost::config
