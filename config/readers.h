// The readers behind parse_document(), one per format. They fill `document.root`; a Problem tells
// why they could not.
#pragma once

#include <optional>

#include "config/document.h"

namespace roost::config {

[[nodiscard]] std::optional<Problem> read_json(Document& document);
[[nodiscard]] std::optional<Problem> read_yaml(Document& document);
[[nodiscard]] std::optional<Problem> read_toml(Document& document);

}  // namespace roost::config
