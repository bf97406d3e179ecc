// Configuration written in JavaScript: run by node, bun or deno, whichever is installed, with what
// `module.exports` or `export default` give as the result. The code is the user's own and runs with
// the user's rights, in a process of its own; never in the daemon.
#pragma once

#include <string>
#include <vector>

#include "config/document.h"

namespace roost::config {

struct JsResult {
  Document document;                 // places unknown: JavaScript computed it
  std::vector<std::string> dropped;  // names of members that are functions
};

// `program`: an absolute path, its base name tells what it is. `path`: absolute, of the file.
// Errc::invalid carries the last lines of what the program wrote to stderr; Errc::timeout.
[[nodiscard]] Result<JsResult> load_js(const std::string& program, const std::string& path);

// The same for a text that is a JavaScript expression, as PM2 reads its JSON files.
[[nodiscard]] Result<JsResult> evaluate_js(const std::string& program, const std::string& path,
                                           const std::string& text);

}  // namespace roost::config
