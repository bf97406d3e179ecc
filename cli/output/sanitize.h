// Text that an app controls, made harmless for a terminal: no escape sequence, control or
// direction-changing character gets through, so a log line cannot set a title, write the clipboard,
// or make one line look like another.
#pragma once

#include <string>
#include <string_view>

namespace roost::cli {

// Tabs and printable text stay. Complete CSI and OSC sequences (colours, titles, links) are taken
// out; all other control characters, bidirectional controls and invalid UTF-8 become visible:
// "\x1b",
// "\u202e". Newlines become "\n" in words too; split lines before.
[[nodiscard]] std::string sanitize(std::string_view text);

}  // namespace roost::cli
