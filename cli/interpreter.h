// What runs a script: decided from the file's first bytes, its name and its permissions. Pure: the
// caller reads the file and looks into PATH.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/app_spec.h"

namespace roost::cli {

inline constexpr std::size_t kScriptHeadBytes = 512;

struct ScriptFile {
  std::string path;  // for messages and the extension
  bool executable = false;
  std::string head;  // the first kScriptHeadBytes, or less if the file is shorter
};

// Absolute path of a program: looked up in PATH when the name has no slash, else checked itself.
using FindProgram = std::function<std::optional<std::string>(std::string_view)>;

struct ExecChoice {
  model::ExecKind kind = model::ExecKind::direct;
  std::string interpreter{};  // absolute; empty when direct
  std::vector<std::string> interpreter_args{};
  std::string program{};  // base name of what runs in the end, as in "python3"; empty if unknown
};

// `wanted` is the user's --interpreter: empty = by the file, "none" = exec the file itself. A '#!'
// line wins over the extension. Errors name what is missing and the package that has it.
[[nodiscard]] Result<ExecChoice> choose_exec(const ScriptFile& file, std::string_view wanted,
                                             const FindProgram& find);

// The program and arguments of a '#!' line, `env` and its -S resolved: {"python3", "-u"}. Empty if
// there is none.
[[nodiscard]] std::vector<std::string> parse_shebang(std::string_view head);

// What to do to have `program`: "apt install nodejs", or empty when not known.
[[nodiscard]] std::string install_hint(std::string_view program);

}  // namespace roost::cli
