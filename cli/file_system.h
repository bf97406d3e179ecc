// The little that `start` has to know of files and programs, as the invoking user sees them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/interpreter.h"
#include "core/base/result.h"

namespace roost::cli {

// The shell's name of the working directory when it is true (it keeps symbolic links such as
// releases/current), else the kernel's.
[[nodiscard]] Result<std::string> working_directory();
// `path` seen from `base`, or from HOME behind "~/", without "." and ".." and double slashes; links
// are not followed.
[[nodiscard]] std::string absolute_path(std::string_view path, std::string_view base);

enum class FileKind : std::uint8_t { absent, regular, directory, other };
[[nodiscard]] FileKind file_kind(const std::string& path);
[[nodiscard]] Result<ScriptFile> read_script(const std::string& path);

// A name without slash is looked up in PATH, another one is taken from `base`. Only executable
// regular files count; the answer is absolute.
[[nodiscard]] std::optional<std::string> find_program(std::string_view name,
                                                      const std::string& base);

// The name in the same directory that is most like the one of `path`: "did you mean 'app.js'?", or
// empty.
[[nodiscard]] std::string suggest_file(const std::string& path);

}  // namespace roost::cli
