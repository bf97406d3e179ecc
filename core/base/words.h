// Texts cut into words as people write them, and words as exec wants them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace roost {

// Words at blanks, quotes kept together and removed; a backslash keeps the next character.
[[nodiscard]] std::vector<std::string> split_words(std::string_view text);

// One that split_words and a shell take for this word: in quotes where it needs them.
[[nodiscard]] std::string quoted_word(std::string_view word);

// As exec wants them: a pointer to each, then null. Valid as long as the words are left alone.
[[nodiscard]] std::vector<char*> pointers(std::vector<std::string>& words);

}  // namespace roost
