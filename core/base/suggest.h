// "Did you mean": the known word nearest to an unknown one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace roost {

// Smallest number of insertions, deletions, replacements and swaps of neighbours; words of more
// than 64 bytes are cut there.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of `known`, or empty when none is near enough (a third of the word's length, at least
// 1). The first one wins a tie.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> known);

// "did you mean 'instances'?", or empty.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string_view> known);

}  // namespace roost
