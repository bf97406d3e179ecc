// Selector: "which ones", as the user writes it. Forms: an id (digits only), a name, a glob (`*`,
// `?`, `[a-z]`, `[!a-z]`), a regular expression between slashes (`/^api/`) or `all`; each but an id
// may be narrowed to a namespace (`ns/name`, the namespace may be a glob too) and to one slot
// (`name#2`). `team=web,tier=a` selects by labels, all of which must be there. Pure: what exists is
// told by the caller, and that nothing matches is for the caller to say.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/ids.h"

namespace roost::model {

struct Selector {
  enum class Kind : std::uint8_t { all, id, name, glob, regex, labels };
  Kind kind = Kind::all;
  InstanceId id{};      // kind id
  std::string pattern;  // kind name: the exact name; glob: the pattern; regex: the expression
  std::optional<std::string> ns;                // exact or glob; absent = any
  std::optional<std::uint32_t> slot;            // absent = every slot
  std::map<std::string, std::string> labels{};  // kind labels
  std::string text;                             // as written, for messages
  // Kind regex: whether the expression is found in a name. Left to the caller, so that a language
  // of expressions is no business of the model's; without it nothing matches.
  std::function<bool(std::string_view)> finds{};

  // Whether it means one thing by name, so that matching nothing deserves "did you mean"; a glob or
  // `all` may match nothing.
  [[nodiscard]] bool is_exact() const { return kind == Kind::id || kind == Kind::name; }
};

// What a selector is held against: one instance.
struct TargetFacts {
  InstanceId id{};
  std::string_view name;
  std::string_view ns;
  std::uint32_t slot = 0;
  const std::map<std::string, std::string>* labels = nullptr;  // of the app; null: not known
};

[[nodiscard]] Result<Selector> parse_selector(std::string_view text);
// Several at once; all malformed words are named in one error.
[[nodiscard]] Result<std::vector<Selector>> parse_selectors(std::span<const std::string> words);

[[nodiscard]] bool matches(const Selector& selector, const TargetFacts& target);

// A label's name is letters, digits, '-', '_', '.' and '/'; its value anything printable but ','.
// Both are limited in length.
[[nodiscard]] Status validate_label(std::string_view name, std::string_view value);

// fnmatch without locale, escapes and path rules: `*`, `?`, `[set]`, `[!set]`, `[^set]`; an
// unclosed `[` stands for itself. Time is at worst the product of both lengths.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace roost::model
