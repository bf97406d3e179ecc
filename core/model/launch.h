// Secrets (env_from): what is told to `roost launch`, which finds their values and executes the app
// in its own place. The daemon knows the sources only. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/app_spec.h"

namespace roost::model {

enum class SecretKind : std::uint8_t {
  file,       // the content of a file
  command,    // what a shell line prints
  credential  // a file of $CREDENTIALS_DIRECTORY
};

struct SecretSource {
  SecretKind kind = SecretKind::file;
  std::string what;  // path, shell line or name
};

// "file:PATH", "cmd:SHELL LINE" or "systemd-credential:NAME"; Errc::invalid says what is wrong.
[[nodiscard]] Result<SecretSource> parse_secret_source(std::string_view text);

// The words of `program launch DIRECTORY COUNT NAME=SOURCE… ARGV…` around the app's own; `argv`
// itself where the app has no secrets. `credentials`: the directory of credentials; "" = none.
[[nodiscard]] std::vector<std::string> with_launcher(const AppSpec& spec,
                                                     const std::string& program,
                                                     const std::string& credentials,
                                                     std::vector<std::string> argv);

}  // namespace roost::model
