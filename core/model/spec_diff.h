// What differs between two specs of an app, in words for people and programs. Pure. Of variables
// only the names are told, never the values; nor are those of secret-looking words of a command
// line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/model/app_spec.h"

namespace roost::model {

struct FieldChange {
  std::string field;   // as in AppSpec::fields(), "health.interval" within
  std::string before;  // empty for tables of names
  std::string after;   // of tables of names what happened to each: "+LOG -OLD ~URL"
  friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

// `after` as it would be in the shell of `before`: another terminal is no other configuration.
[[nodiscard]] AppSpec in_shell_of(const AppSpec& before, AppSpec after);

// In the order of the fields; empty when the specs are equal, or differ only in what is inherited.
[[nodiscard]] std::vector<FieldChange> diff(const AppSpec& before, const AppSpec& after);

// "env +LOG -OLD, kill_timeout 10s→5s".
[[nodiscard]] std::string in_words(const std::vector<FieldChange>& changes);

struct FieldValue {
  std::string field;        // as in a configuration file: "kill_timeout", "env.PATH", "timeout"
  std::string value;        // in words; of secrets the mask
  bool is_default = false;  // what it is when nobody says anything
};

// All fields of a spec, in their order, as a configuration file calls them; of tables each entry,
// none where they are empty.
[[nodiscard]] std::vector<FieldValue> field_values(const AppSpec& spec);

// Whether a variable's name suggests that its value is nobody's business: TOKEN, SECRET, PASS, KEY,
// CREDENTIAL, AUTH … as a part of it.
[[nodiscard]] bool is_secret_name(std::string_view name);
// "postgres://app:********@db/x": the passwords of the URLs in it replaced.
[[nodiscard]] std::string without_url_passwords(std::string_view text);
// A variable's value as it may be shown.
[[nodiscard]] std::string shown_value(std::string_view name, std::string_view value);
// "API_TOKEN=x run --password y" without the values. Words are what stands between blanks.
[[nodiscard]] std::string without_secrets(std::string_view text);
// The same for a command line whose words are known; those that need it are in quotes.
[[nodiscard]] std::string command_without_secrets(const std::vector<std::string_view>& words);
// The spec with the variables as they may be shown.
[[nodiscard]] AppSpec masked(AppSpec spec);
inline constexpr std::string_view kMask = "********";

}  // namespace roost::model
