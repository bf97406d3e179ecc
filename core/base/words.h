// Texts cut into words as people write them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace roost {

// Words at blanks, quotes kept together and removed; a backslash keeps the next character.
[[nodiscard]] std::vector<std::string> split_words(std::string_view text);

}  // namespace roost
