// Env files: NAME=VALUE by line, with the quoting of compose.
//   plain    # begins a comment behind a blank; variables are expanded
//   "…"      over several lines; \n \r \t \" \\ \$; variables are expanded
//   '…'      over several lines; nothing is expanded, only \' is a quote
// `export ` may stand in front, and "NAME: VALUE" is NAME=VALUE. A NAME alone is taken from the
// environment, when it is there.
#pragma once

#include <string>

#include "config/document.h"
#include "config/expand.h"

namespace roost::config {

// `path`: as messages name it. ${NAME} is looked up in the lines above, then in `outer`. All faults
// come as one error, each with its line and a caret.
[[nodiscard]] Result<Variables> parse_dotenv(const std::string& path, std::string text,
                                             const Variables& outer);

}  // namespace roost::config
