// Expansion of variables in the texts of a configuration file and in env files: ${NAME},
// ${NAME:-text} (unset or empty) and ${NAME-text} (unset), where the text may hold variables
// again. A dollar sign with anything but a brace behind it is left alone.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "core/base/result.h"

namespace roost::config {

using Variables = std::map<std::string, std::string>;
using Lookup = std::function<std::optional<std::string>(const std::string& name)>;

// Whether "$$" stands for one dollar sign.
enum class Dollars : std::uint8_t { kept, escaped };

// Errc::invalid says which variable is not set, or what is wrong with the expression.
[[nodiscard]] Result<std::string> expand(std::string_view text, const Lookup& lookup,
                                         Dollars dollars);

// All texts of a document, but not its keys, with "$$" for one dollar sign. Faults come with the
// place of their text.
[[nodiscard]] std::vector<Problem> expand_texts(Document& document, const Variables& variables);

}  // namespace roost::config
